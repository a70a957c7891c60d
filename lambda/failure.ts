import { entry } from './entry.ts';

export const handler = entry('failure', (handlers, event) => handlers.failure(event));
