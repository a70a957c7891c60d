import type { Context } from 'aws-lambda';
import { handler as stitch } from '../../../lambda/stitch.ts';
import { openStore } from '../../../src/storage/open-store.ts';

/** The stitch function; of the render `stitch-dies` the first call ends while it is at work. */
export async function handler(event: { readonly id: string }, context: Context): Promise<unknown> {
  if (event.id === 'stitch-dies' && (await openStore().putIfAbsent(`renders/${event.id}/result.json`, '{}')))
    setTimeout(() => process.exit(1), 100);
  return stitch(event, context);
}
