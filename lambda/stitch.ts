import { entry } from './entry.ts';

export const handler = entry('stitch', (handlers, event, context) => handlers.stitch(event, context), {
  measure: ({ bytes, frames }) => ({ OutputBytes: [bytes, 'Bytes'], OutputFrames: [frames, 'Count'] }),
});
