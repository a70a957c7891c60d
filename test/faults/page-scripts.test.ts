import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CompositionLoadError, FrameTimeoutError, PageScriptError } from '../../src/utils/errors.ts';
import { decodeBarcodes } from '../helpers/barcode.ts';
import { FaultScene, frameNumbers } from '../helpers/fault-scene.ts';
import { fixture, Renderer } from '../helpers/renderer.ts';

let scene: FaultScene;
beforeAll(async () => {
  scene = await FaultScene.open();
});
afterAll(() => scene[Symbol.asyncDispose]());

const bad = (name: string) => ({ source: fixture(`bad/${name}`) });

describe('a script that throws', () => {
  test('at load', async () => {
    const error = await scene.fail({ composition: bad('script-throws') });
    expect(error).toBeInstanceOf(CompositionLoadError);
    expect(error.message).toMatch(/while the page loaded: Error: broken at load \(.*index\.html:\d+\)$/);
    expect(error.details).toEqual({});
  });

  test('in a promise that nobody catches', async () => {
    const error = await scene.fail({ composition: bad('unhandled-rejection') });
    expect(error).toBeInstanceOf(CompositionLoadError);
    expect(error.message).toContain('Error: rejected at load');
  });

  test('at frame 20, the first that the plan looks at too', async () => {
    const error = await scene.fail({
      composition: bad('script-throws-at-frame-20'),
      frameRange: [0, 21],
    });
    expect(error).toBeInstanceOf(PageScriptError);
    expect(error.message).toMatch(/at frame 20: Error: broken at frame 20 \(.*index\.html:\d+\)$/);
    expect(error.details).toEqual({ frame: 20 });
  });

  test('at one frame that the plan does not look at', async () => {
    const source = await scene.page(
      'throws-once',
      `<script>requestAnimationFrame(function tick(ms) {
        requestAnimationFrame(tick);
        if (Math.round(ms * 30 / 1000) === 20) throw new Error('just here');
      });</script>`,
    );
    const error = await scene.fail({
      composition: { source },
      page: { seekMode: 'seek' },
      encoding: { muted: true },
      chunking: { segments: 2 },
    });
    expect(error).toBeInstanceOf(PageScriptError);
    expect(error.details).toEqual({ frame: 20 });
  });

  test('in a stability check of Helios', async () => {
    const source = await scene.page(
      'unstable',
      `<script>window.helios = { seek(frame) { this.frame = frame }, async waitUntilStable() {
        if (this.frame >= 5) throw new Error('not stable');
      } };</script>`,
    );
    const error = await scene.fail({ composition: { source }, frameRange: [0, 6] });
    expect(error).toBeInstanceOf(PageScriptError);
    expect(error.message).toContain('at frame 5: Error: not stable');
    expect(error.details).toEqual({ frame: 5 });
  });
});

describe('a page that never gets ready', () => {
  test('a stability check of Helios that never resolves', async () => {
    const error = await scene.fail({
      composition: bad('never-ready'),
      page: { timeouts: { frame: 1_000 } },
    });
    expect(error).toBeInstanceOf(FrameTimeoutError);
    expect(error.message).toContain('After 1000 ms at frame 0 still waited for the composition');
    expect(error.details).toMatchObject({
      frame: 0,
      timeoutMs: 1_000,
      waitingFor: ['the composition (helios.waitUntilStable)'],
    });
  });

  test('a stability check that never resolves from frame 7 on', async () => {
    const source = await scene.page(
      'late-unstable',
      `<script>window.helios = { seek(frame) { this.frame = frame }, waitUntilStable() {
        return this.frame === 7 ? new Promise(() => {}) : Promise.resolve();
      } };</script>`,
    );
    const error = await scene.fail({
      composition: { source },
      frameRange: [0, 8],
      page: { timeouts: { frame: 1_000 } },
    });
    expect(error).toBeInstanceOf(FrameTimeoutError);
    expect(error.details).toMatchObject({ frame: 7 });
  });

  test('an endless loop ends the browser, and the same worker renders on', async () => {
    await using renderer = await Renderer.open(1);
    const since = Date.now();
    const failing = renderer.render({
      composition: bad('never-loads'),
      page: { timeouts: { load: 1_000, frame: 1_000 } },
    });
    const error = await failing.then(
      () => expect.fail('rendered'),
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(FrameTimeoutError);
    expect((error as FrameTimeoutError).message).toContain("the page's script, which does not return");
    expect((error as FrameTimeoutError).details).toMatchObject({ timeoutMs: 1_000 });
    expect(Date.now() - since).toBeLessThan(12_000);

    const composition = { source: fixture('barcode-raf') };
    const { file } = await renderer.render({ composition, frameRange: [0, 5] });
    expect(await decodeBarcodes(file)).toEqual(frameNumbers(0, 5));
  });

  test('an endless loop leaves nothing', async () => {
    const error = await scene.fail({
      composition: bad('never-loads'),
      page: { timeouts: { load: 1_000 } },
    });
    expect(error).toBeInstanceOf(FrameTimeoutError);
  });

  test('an endless loop at a later frame', async () => {
    const source = await scene.page(
      'loops-late',
      `<script>requestAnimationFrame(function tick(ms) {
        requestAnimationFrame(tick);
        while (Math.round(ms * 30 / 1000) === 5);
      });</script>`,
    );
    const error = await scene.fail({
      composition: { source },
      frameRange: [0, 6],
      page: { timeouts: { frame: 1_000 } },
    });
    expect(error).toBeInstanceOf(FrameTimeoutError);
    expect(error.message).toContain("the page's script, which does not return");
    expect(error.details).toMatchObject({ frame: 5 });
  });
});

test('console.error is a warning with its frame', async () => {
  await using own = await FaultScene.open();
  const { warnings } = await own.render({
    composition: bad('console-error'),
    frameRange: [8, 13],
    encoding: { muted: true },
  });
  expect(warnings.join()).toContain('at frame 10: console.error: wrong at frame 10');
});
