import { entry } from './entry.ts';

export const handler = entry('audio', (handlers, event, context) => handlers.audio(event, context));
