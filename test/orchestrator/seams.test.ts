import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readPicture } from '../../src/stitcher/compare-pictures.ts';
import { keys } from '../../src/storage/keys.ts';
import { readJson } from '../../src/storage/object-store.ts';
import { SeamMismatchError } from '../../src/utils/errors.ts';
import { example, fixture, type JobSketch, Renderer } from '../helpers/renderer.ts';

let renderer: Renderer;
beforeAll(async () => {
  renderer = await Renderer.open();
});
afterAll(() => renderer[Symbol.asyncDispose]());

test('dbg', async () => {
  const job: JobSketch = {
      composition: { source: fixture('barcode-state') }, frameRange: [0, 30],
      page: { seekMode: 'seek' },
      chunking: { segments: 5 },
      onSeamMismatch: 'warn',
    };
  const r = await renderer.render(job);
  console.log(JSON.stringify(r.result, null, 1), r.records.map(({timings}) => timings));
  const ok = await renderer.render({ ...job, page: { seekMode: 'replay' } });
  console.log(JSON.stringify(ok.result.seams));
  const film = await renderer.render({ composition: { source: fixture('barcode-video-ntsc') }, frameRange: [0, 40], chunking: {segments: 5} });
  console.log(JSON.stringify(film.result.seams));
});
