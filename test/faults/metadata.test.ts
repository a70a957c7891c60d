import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { RenderJobInput } from '../../src/types/render-job.ts';
import { CompositionMetadataError, FrameRangeError, ValidationError } from '../../src/utils/errors.ts';
import { FaultScene } from '../helpers/fault-scene.ts';
import { probe } from '../helpers/media-info.ts';
import { fixture } from '../helpers/renderer.ts';

let scene: FaultScene;
beforeAll(async () => {
  scene = await FaultScene.open();
});
afterAll(() => scene[Symbol.asyncDispose]());

const bad = (name: string) => ({ source: fixture(`bad/${name}`) });

describe('what the page does not say', () => {
  test.each([
    [{}, ['width', 'height', 'fps', 'duration']],
    [{ fps: 30 }, ['width', 'height', 'duration']],
    [{ fps: 30, width: 320, height: 180 }, ['duration']],
    [{ durationInFrames: 3, width: 320 }, ['height', 'fps']],
  ])('with %j in the job it is an error that names %j', async (given, fields) => {
    const error = await scene.fail({ composition: { ...bad('no-metadata'), ...given } });
    expect(error).toBeInstanceOf(CompositionMetadataError);
    const flags = fields.map((field) => `--${field}`).join(', ');
    expect(error.message).toContain(`does not say its ${fields.join(', ')}. Pass ${flags}, or add <meta`);
    expect(error.details).toEqual({ field: fields[0], fields });
  });

  test('a job that says all of it renders', async () => {
    const given = { width: 320, height: 180, fps: 30, durationInFrames: 3 };
    const { frames } = await scene.render({
      composition: { ...bad('no-metadata'), ...given },
      outputPath: `${scene.folder}/given.mp4`,
    });
    expect(frames).toBe(3);
  });
});

describe('durations that a page can not mean', () => {
  test.each([
    ['zero-duration', '0'],
    ['nan-duration', 'abc'],
    ['huge-duration', '1e9'],
  ])('%s', async (name, found) => {
    const error = await scene.fail({ composition: bad(name) });
    expect(error).toBeInstanceOf(CompositionMetadataError);
    expect(error.message).toContain(`duration is "${found}"; it must be above 0 and at most 43200 seconds`);
    expect(error.message).toContain('Mend the page, or pass --duration.');
    expect(error.details).toEqual({ field: 'duration', found });
  });

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 1e9, "'abc'"])(
    'window.helios says %s',
    async (duration) => {
      const source = await scene.page(
        `helios-${duration}`,
        `<script>window.helios = { duration: { value: ${duration} }, fps: { value: 30 }, seek() {} };</script>`,
      );
      const error = await scene.fail({ composition: { source } });
      expect(error).toBeInstanceOf(CompositionMetadataError);
      expect(error.details).toMatchObject({ field: 'duration' });
    },
  );
});

describe('odd sizes', () => {
  const frameRange: [number, number] = [0, 3];

  test.each(['h264', 'h265', 'vp8', 'vp9'] as const)('%s in yuv420p can not hold them', async (codec) => {
    const error = await scene.fail({
      composition: bad('odd-size'),
      encoding: { codec },
      outputPath: `${scene.outputs}/odd.${codec.startsWith('vp') ? 'webm' : 'mp4'}`,
    });
    expect(error).toBeInstanceOf(ValidationError);
    expect(error.message).toContain(
      `composition.width: 321 is odd, and ${codec} in yuv420p needs an even width; use 322`,
    );
    expect(error.details).toMatchObject({ issues: [{ path: 'composition.width' }] });
  });

  test('a scale that makes them', async () => {
    const error = await scene.fail({ encoding: { scale: 0.55 } });
    expect(error).toBeInstanceOf(ValidationError);
    expect(error.message).toContain('99 is odd');
  });

  test.each<[string, NonNullable<RenderJobInput['encoding']>, string]>([
    ['png', { codec: 'png' }, ''],
    ['gif', { codec: 'gif' }, '.gif'],
    ['prores 4444', { codec: 'prores', pixelFormat: 'yuv444p10le' }, '.mov'],
    ['h264 yuv444p', { codec: 'h264', pixelFormat: 'yuv444p' }, '.mp4'],
    ['vp9 yuv444p', { codec: 'vp9', pixelFormat: 'yuv444p' }, '.webm'],
  ])('%s holds them', async (name, encoding, extension) => {
    const outputPath = `${scene.folder}/${name.replace(' ', '-')}${extension}`;
    const { width, height, output } = await scene.render({
      composition: bad('odd-size'),
      encoding,
      frameRange,
      outputPath,
    });
    expect({ width, height }).toEqual({ width: 321, height: 181 });
    const { streams } = await probe(output.replace('%05d', '00000'));
    expect(streams[0]).toMatchObject({ width: 321, height: 181 });
  });

  test('prores in 4:2:2 can not hold an odd width', async () => {
    const error = await scene.fail({
      composition: bad('odd-size'),
      encoding: { codec: 'prores' },
      outputPath: `${scene.outputs}/odd.mov`,
    });
    expect(error).toBeInstanceOf(ValidationError);
  });
});

describe('frames outside the composition', () => {
  test.each<[number, number]>([
    [0, 91],
    [90, 91],
    [1_000, 2_000],
  ])('[%i, %i)', async (start, end) => {
    const error = await scene.fail({ frameRange: [start, end] });
    expect(error).toBeInstanceOf(FrameRangeError);
    expect(error.message).toBe(
      `Frames ${start}–${end - 1} were asked for, and the composition has frames 0–89.`,
    );
    expect(error.details).toEqual({ range: [start, end], durationInFrames: 90 });
  });
});
