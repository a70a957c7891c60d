import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { concatSegments } from '../../src/stitcher/concat.ts';
import { encodingSchema } from '../../src/types/encoding.ts';
import type { RenderProgress } from '../../src/types/render-result.ts';
import { AbortedError } from '../../src/utils/errors.ts';
import { decodeBarcodes } from '../helpers/barcode.ts';
import { expectNothingLeft, type FaultJob, FaultScene, frameNumbers } from '../helpers/fault-scene.ts';
import { toolPatterns, toolsOf, untilTool } from '../helpers/processes.ts';
import { ffmpegPath, runTool } from '../helpers/tools.ts';

let scene: FaultScene;
beforeAll(async () => {
  scene = await FaultScene.open();
});
afterAll(() => scene[Symbol.asyncDispose]());

const FRAMES = 300;
let job: FaultJob;
let next = 0;
beforeEach(() => {
  next++;
  job = {
    composition: { durationInFrames: FRAMES, inputProps: { test: next } },
    encoding: { muted: true },
    chunking: { segments: 3 },
  };
});

/** Renders, and cancels at the first progress that fits; `then` puts it off. */
async function cancelWhen(
  fits: (progress: RenderProgress) => boolean,
  then: () => Promise<unknown> = async () => {},
) {
  const controller = new AbortController();
  const reason = new Error('enough');
  let cancelled = 0;
  let started = false;
  const error = await scene.fail(job, {
    concurrency: 2,
    signal: controller.signal,
    onProgress: (progress) => {
      if (started || !fits(progress)) return;
      started = true;
      const cancel = () => {
        cancelled = Date.now();
        controller.abort(reason);
      };
      void then().then(cancel, cancel);
    },
  });
  expect(error).toBeInstanceOf(AbortedError);
  expect(error.message).toBe('The render was cancelled.');
  expect(error.cause).toBe(reason);
  expect(Date.now() - cancelled).toBeLessThan(4_000);
}

describe('a cancelled render leaves nothing', () => {
  test('before it starts', async () => {
    const reason = new Error('never mind');
    const error = await scene.fail(job, { signal: AbortSignal.abort(reason) });
    expect(error).toBeInstanceOf(AbortedError);
    expect(error.cause).toBe(reason);
    expect(await toolsOf()).toEqual([]);
  });

  test('while the composition is put into the store', () => cancelWhen(({ phase }) => phase === 'bundle'));

  test('as the plan begins', () => cancelWhen(({ phase }) => phase === 'plan'));

  test('while the plan looks at the page', () =>
    cancelWhen(
      ({ phase }) => phase === 'plan',
      () => untilTool(toolPatterns.renderer),
    ));

  test('as the first segment begins', () => cancelWhen(({ segments }) => segments.inFlight > 0));

  test('while frames are drawn and encoded', () =>
    cancelWhen(
      ({ phase, framesDone }) => phase === 'render' && framesDone > 0,
      () => untilTool(toolPatterns.segmentEncoder),
    ));

  test('as the last segment is done', () => cancelWhen(({ segments }) => segments.rendered === 3));

  test('while the segments are joined', () => cancelWhen(({ phase }) => phase === 'stitch'));

  test('while FFmpeg joins them', async () => {
    const segment = path.join(scene.folder, 'long.mkv');
    const source = ['-f', 'lavfi', '-i', 'testsrc=size=640x360:rate=30:duration=20', '-c:v', 'libx264'];
    await runTool(ffmpegPath, ['-v', 'error', ...source, '-preset', 'ultrafast', segment]);
    const controller = new AbortController();
    const joining = concatSegments({
      segments: [{ file: segment, frames: 600 }],
      encoding: encodingSchema.parse({ codec: 'gif' }),
      fps: 30,
      output: path.join(scene.folder, 'long.gif'),
      workFolder: scene.folder,
      signal: controller.signal,
    });
    joining.catch(() => {});
    await untilTool(/ffmpeg .*-f concat/);
    controller.abort();
    await expect(joining).rejects.toBeInstanceOf(AbortedError);
    expect(await toolsOf()).toEqual([]);
  });

  test('in a page that never gets ready', async () => {
    const source = await scene.page('never', '<script>for (;;);</script>');
    job = { composition: { source } };
    await cancelWhen(
      ({ phase }) => phase === 'plan',
      () => untilTool(toolPatterns.renderer),
    );
  });

  test('while it waits to try again', async () => {
    const controller = new AbortController();
    const error = await scene.fail(job, {
      signal: controller.signal,
      onProgress: ({ segments, phase }) => {
        if (segments.retried > 0) setTimeout(() => controller.abort(), 5);
        else if (phase === 'render' && segments.inFlight > 0)
          void untilTool(toolPatterns.segmentEncoder).then(
            ({ pid }) => {
              if (!controller.signal.aborted) process.kill(pid, 'SIGKILL');
            },
            () => {},
          );
      },
    });
    expect(error).toBeInstanceOf(AbortedError);
  });
});

test('what was finished before is found by the next render', async () => {
  await cancelWhen(({ segments }) => segments.rendered === 2);
  const { segments, output } = await scene.render({
    ...job,
    outputPath: path.join(scene.folder, 'next.mp4'),
  });
  expect(segments.cached).toBeGreaterThanOrEqual(2);
  expect(await decodeBarcodes(output)).toEqual(frameNumbers(0, FRAMES));
  expect(await readdir(scene.outputs)).toEqual([]);
  await expectNothingLeft();
});
