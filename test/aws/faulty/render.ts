import type { Context } from 'aws-lambda';
import { handler as render } from '../../../lambda/render.ts';
import { openStore } from '../../../src/storage/open-store.ts';

interface Event {
  readonly id: string;
  readonly index: number;
  readonly attempt: number;
}

/** The render function with a fault in its second segment, by the render's id. */
export async function handler(event: Event, context: Context): Promise<unknown> {
  const { id, index, attempt } = event;
  const mark = (name: string): string => `renders/${id}/progress/${name}`;
  if (index === 1) {
    if (id === 'crash-once' && attempt === 0) process.exit(1);
    if (id === 'crash-always' && !(await openStore().head(mark('mended')))) process.exit(1);
    if (id === 'hang' && attempt === 0) await new Promise((resolve) => setTimeout(resolve, 3_600_000));
    if (id === 'lost' && (await openStore().putIfAbsent(mark('lost'), 'x')))
      return { index, frames: 15, cached: false, ms: 1 };
  }
  if (id === 'throttled' && (index + attempt) % 2 === 0) {
    const error = new Error('Rate Exceeded.');
    error.name = 'Lambda.TooManyRequestsException';
    throw error;
  }
  return render(event, context);
}
