import { sharedHandlers } from './shared-handlers.ts';

export const handler = (event: unknown) => sharedHandlers().stitch(event);
