import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Context } from 'aws-lambda';
import { handler as render } from '../../../lambda/render.ts';
import { putJson } from '../../../src/storage/object-store.ts';
import { openStore } from '../../../src/storage/open-store.ts';
import { BusyS3 } from './busy-s3.ts';

interface Event {
  readonly id: string;
  readonly index: number;
  readonly attempt: number;
}

/** Of the sandbox that loaded this module. */
const sandbox = randomUUID();

const endpoint = process.env.AWS_ENDPOINT_URL;
const busy = endpoint?.startsWith('http:') ? await BusyS3.listen(endpoint) : undefined;

/** The render function with a fault in its second segment, by the render's id. */
export async function handler(event: Event, context: Context): Promise<unknown> {
  const { id, index, attempt } = event;
  const mark = (name: string): string => `renders/${id}/progress/${name}`;
  if (index === 1) {
    if (id === 'crash-once' && attempt === 0) process.exit(1);
    if (id === 'crash-always' && !(await openStore().head(mark('mended')))) process.exit(1);
    if (id === 'hang' && attempt === 0) await sleep(3_600_000);
    if (id === 'busy-s3') busy?.refuseFor(6_000);
  }
  if (id === 'throttled' && (index + attempt) % 2 === 0) {
    const error = new Error('Rate Exceeded.');
    error.name = 'Lambda.TooManyRequestsException';
    throw error;
  }
  const answer = await render(event, context);
  // The test deletes the segment while its function has not answered.
  if (id === 'lost' && index === 1 && (await openStore().putIfAbsent(mark('written'), 'x')))
    while (!(await openStore().head(mark('deleted')))) await sleep(200);
  if (id.startsWith('warm-')) {
    await putJson(openStore(), mark(`temp-${index}`), { sandbox, temp: await readdir(tmpdir()) });
  }
  if (id === 'busy-s3' && index === 1) await putJson(openStore(), mark('refused'), { count: busy?.refused });
  return answer;
}
