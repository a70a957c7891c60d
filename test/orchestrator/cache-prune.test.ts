import { expect, test } from 'vitest';
import { pruneCache } from '../../src/orchestrator/cache-prune.ts';
import { keys } from '../../src/storage/keys.ts';
import { LocalStore } from '../../src/storage/local-store.ts';
import { sha256 } from '../../src/utils/digest.ts';
import { createWorkFolder } from '../../src/utils/work-folder.ts';

const BYTES = 100;

test.each([100, 350, 450, 799])('segments go only whole: pruned to %d bytes', async (maxBytes) => {
  await using folder = await createWorkFolder('prune');
  const store = new LocalStore(folder.path);
  const content = 'c'.repeat(64);
  for (const segment of ['0-10', '0-10_job-1']) {
    const key = `${content}/${segment}`;
    const bytes = Buffer.alloc(BYTES, segment.length);
    const digest = sha256(bytes);
    for (const name of [
      keys.segmentPicture(key, 'first', digest),
      keys.segmentPicture(key, 'next', digest),
      keys.segmentVideo(key, digest, 'mp4'),
      keys.segmentRecord(key),
    ])
      await store.put(name, bytes);
  }
  const { kept } = await pruneCache(store, { maxBytes });
  expect(kept.bytes).toBe(Math.floor(maxBytes / (4 * BYTES)) * 4 * BYTES);
  const left: string[] = [];
  for await (const { key } of store.list('segments/')) left.push(key);
  expect(left).toHaveLength(kept.objects);
  expect(new Set(left.map((key) => /_job-1/.test(key))).size).toBe(kept.objects / 4);
});
