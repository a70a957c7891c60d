import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { RenderProgress } from '../../src/types/render-result.ts';
import { decodeBarcodes } from '../helpers/barcode.ts';
import { startChildRender } from '../helpers/child-render.ts';
import { expectNothingLeft, type FaultJob, FaultScene, frameNumbers } from '../helpers/fault-scene.ts';
import {
  toolPatterns,
  toolsOf,
  until,
  untilNoTools,
  untilTool,
  workFoldersOf,
} from '../helpers/processes.ts';

let scene: FaultScene;
beforeAll(async () => {
  scene = await FaultScene.open();
});
afterAll(() => scene[Symbol.asyncDispose]());

const FRAMES = 600;
/** Long enough to be shot at; every test renders frames of its own, so that no segment is found. */
let job: FaultJob;
let next = 0;
beforeEach(() => {
  next++;
  job = {
    outputPath: path.join(scene.folder, `killed-${next}.mp4`),
    composition: { durationInFrames: FRAMES, inputProps: { test: next } },
    encoding: { muted: true },
    chunking: { segments: 2 },
  };
});

/** Renders, and kills the process that fits as soon as frames of a segment are done. */
async function renderAndKill(pattern: RegExp, when: (progress: RenderProgress) => boolean) {
  let ready = false;
  let retried = 0;
  const rendering = scene.render(job, {
    onProgress: (progress) => {
      ready ||= when(progress);
      retried = progress.segments.retried;
    },
  });
  rendering.catch(() => {});
  await until('the moment to shoot', () => ready || undefined);
  const { pid } = await untilTool(pattern);
  process.kill(pid, 'SIGKILL');
  return { result: await rendering, retried: () => retried };
}

const inSegment = ({ phase, framesDone }: RenderProgress): boolean => phase === 'render' && framesDone > 0;

describe('a process that is killed once in mid-render', () => {
  test.each([
    ['FFmpeg', toolPatterns.segmentEncoder],
    ['Chromium', toolPatterns.browser],
    ["Chromium's page process", toolPatterns.renderer],
  ])('%s: its segment is rendered again, and every frame is right', async (_, pattern) => {
    const { result, retried } = await renderAndKill(pattern, inSegment);
    expect(retried()).toBe(1);
    expect(result.segments).toEqual({ total: 2, cached: 0, rendered: 2 });
    expect(await decodeBarcodes(result.output)).toEqual(frameNumbers(0, FRAMES));
    await expectNothingLeft();
  });

  test.each([
    ['drawing process', toolPatterns.gpu],
    ['process that its helpers are copies of', /--type=zygote .*--no-zygote-sandbox/],
    ['process that pages are copies of', /--type=zygote (?!.*--no-zygote-sandbox)/],
  ])("Chromium's %s: the frames are right", async (_, pattern) => {
    const { result } = await renderAndKill(pattern, inSegment);
    expect(await decodeBarcodes(result.output)).toEqual(frameNumbers(0, FRAMES));
    await expectNothingLeft();
  });

  test.each([
    ['Chromium', toolPatterns.browser],
    ["Chromium's page process", toolPatterns.renderer],
  ])('%s while the job is planned', async (_, pattern) => {
    const { result } = await renderAndKill(pattern, ({ phase }) => phase === 'plan');
    expect(await decodeBarcodes(result.output)).toEqual(frameNumbers(0, FRAMES));
    await expectNothingLeft();
  });
});

describe('a process that is killed each time', () => {
  test('FFmpeg: the render fails after four attempts', async () => {
    let over = false;
    const failing = scene.fail({ ...job, chunking: { segments: 1 } }).finally(() => {
      over = true;
    });
    const hunt = async () => {
      while (!over) {
        const tools = await toolsOf();
        const found = tools.find(({ command }) => toolPatterns.segmentEncoder.test(command));
        try {
          if (found && !over) process.kill(found.pid, 'SIGKILL');
        } catch {
          // Gone already.
        }
        await sleep(20);
      }
    };
    const hunting = hunt();
    const error = await failing;
    expect(error).toMatchObject({ name: 'EncoderError', retryable: true });
    expect(error.message).toContain('FFmpeg was killed by SIGKILL');
    expect(error.details).toMatchObject({ signal: 'SIGKILL' });
    await hunting;
  });
});

describe('the whole render is killed', () => {
  test('its browser and its encoder end by themselves, and the next render goes on where it ended', async () => {
    const full = scene.job({ ...job, id: 'resumed', chunking: { segments: 8 } });
    let done = 0;
    const first = startChildRender(scene.store.url, full, {
      onProgress: ({ segments }) => {
        done = segments.rendered;
      },
    });
    await until('two finished segments', () => (done >= 2 ? true : undefined));
    await untilTool(toolPatterns.browser, first.pid);
    process.kill(first.pid, 'SIGKILL');
    expect((await first.ended).signal).toBe('SIGKILL');
    await untilNoTools(first.pid, 5_000);
    expect(await workFoldersOf(first.pid)).not.toEqual([]);

    const second = await startChildRender(scene.store.url, full).ended;
    expect(second.error).toBeUndefined();
    const segments = second.result?.segments;
    expect(segments?.total).toBe(8);
    expect(segments?.cached).toBeGreaterThanOrEqual(2);
    expect(segments?.rendered).toBeGreaterThan(0);
    expect(await decodeBarcodes(full.outputPath)).toEqual(frameNumbers(0, FRAMES));
    expect(await workFoldersOf(first.pid)).toEqual([]);
  });
});

describe('a program of the kit that is not there or does not work', () => {
  const run = async (env: Record<string, string>) => {
    const { pid, ended } = startChildRender(scene.store.url, scene.job(job), { env });
    const { status, error, stderr } = await ended;
    expect(status).toBe(1);
    expect(stderr).toBe('');
    await untilNoTools(pid);
    expect(await workFoldersOf(pid)).toEqual([]);
    return error;
  };
  const script = async (name: string, text: string): Promise<string> => {
    const file = path.join(scene.folder, name);
    await writeFile(file, `#!/bin/sh\n${text}\n`);
    await chmod(file, 0o755);
    return file;
  };

  test('FFMPEG_PATH names no file', async () => {
    const error = await run({ FFMPEG_PATH: '/nowhere/ffmpeg' });
    expect(error?.name).toBe('KitError');
    expect(error?.message).toBe('FFmpeg does not start (/nowhere/ffmpeg). Check FFMPEG_PATH.');
  });

  test('FFMPEG_PATH names a program that always fails', async () => {
    const file = await script('failing-ffmpeg', 'echo "no such codec" >&2; exit 1');
    const error = await run({ FFMPEG_PATH: file });
    expect(error?.name).toBe('EncoderError');
    expect(error?.message).toBe('FFmpeg ended with status 1: no such codec');
    expect(error?.details).toMatchObject({ exitCode: 1, signal: null, stderr: 'no such codec' });
  });

  test('FFMPEG_PATH names a program that fails as soon as it is to encode', async () => {
    const real = (await import('../helpers/tools.ts')).ffmpegPath;
    const file = await script('half-ffmpeg', `case "$*" in *-version*) exec ${real} -version;; esac; exit 3`);
    const error = await run({ FFMPEG_PATH: file });
    expect(error?.name).toBe('EncoderError');
    expect(error?.message).toBe('FFmpeg ended with status 3');
  });

  test('CHROMIUM_PATH names no file', async () => {
    const error = await run({ CHROMIUM_PATH: '/nowhere/chromium' });
    expect(error?.name).toBe('KitError');
    expect(error?.message).toBe('CHROMIUM_PATH names no file: /nowhere/chromium.');
  });

  test('CHROMIUM_PATH names a program that is no browser', async () => {
    const error = await run({ CHROMIUM_PATH: await script('no-chromium', 'exit 1') });
    expect(error?.name).toBe('KitError');
    expect(error?.message).toContain('Chromium does not start');
    expect(error?.message).toContain('Run helios-infra doctor.');
  });

  test('CHROMIUM_PATH names a file that can not be run', async () => {
    const file = path.join(scene.folder, 'text');
    await writeFile(file, 'text');
    const error = await run({ CHROMIUM_PATH: file });
    expect(error?.name).toBe('KitError');
  });
});
