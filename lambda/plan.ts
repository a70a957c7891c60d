import { entry } from './entry.ts';

export const handler = entry('plan', (handlers, event, context) => handlers.plan(event, context), {
  measure: ({ frames, segments }) => ({ PlannedFrames: [frames, 'Count'], Segments: [segments, 'Count'] }),
});
