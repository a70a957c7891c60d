import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { isSound } from '../../src/stitcher/fetch-segments.ts';
import { keys } from '../../src/storage/keys.ts';
import type { FrameJob } from '../../src/types/frame-job.ts';
import { findSegment } from '../../src/worker/find-segment.ts';
import { Framebuffer } from '../../src/worker/framebuffer.ts';
import { fixture, Renderer } from '../helpers/renderer.ts';

let renderer: Renderer;
beforeAll(async () => {
  renderer = await Renderer.open(1);
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => renderer[Symbol.asyncDispose]());

test('a segment that is written again with other bytes leaves those that others hold', async () => {
  const { store, worker } = renderer;
  const { plan, records } = await renderer.render({
    composition: { source: fixture('barcode-raf') },
    frameRange: [20, 26],
    chunking: { segments: 1 },
  });
  const [job] = plan.frameJobs as [FrameJob];
  const [first] = records;
  await store.delete(keys.segmentRecord(job.segmentKey));
  vi.spyOn(Framebuffer, 'find').mockResolvedValue(undefined);
  const second = await worker.renderFrame(job);
  expect(first?.captureMode).toBe('framebuffer');
  expect(second.captureMode).toBe('begin-frame');
  expect(second.sha256).not.toBe(first?.sha256);
  for (const result of [first, second]) expect(result && (await isSound(store, result))).toBe(true);
  expect(await findSegment(store, job)).toEqual({ ...second, cached: true });
});
