import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseJob } from '../../src/orchestrator/job-orchestrator.ts';
import type { RenderJobInput } from '../../src/types/render-job.ts';
import { HeliosError, ValidationError } from '../../src/utils/errors.ts';
import { FaultScene } from '../helpers/fault-scene.ts';

let scene: FaultScene;
beforeAll(async () => {
  scene = await FaultScene.open();
});
afterAll(() => scene[Symbol.asyncDispose]());

type Change = readonly [path: string, value: unknown];

const invalid: readonly Change[] = [
  ['composition.duration', 0],
  ['composition.duration', Number.NaN],
  ['composition.duration', -1],
  ['composition.duration', 1e9],
  ['composition.duration', Number.POSITIVE_INFINITY],
  ['composition.durationInFrames', 0],
  ['composition.durationInFrames', 1.5],
  ['composition.width', 0],
  ['composition.width', 1],
  ['composition.height', 8193],
  ['composition.height', 100.5],
  ['composition.fps', 0],
  ['composition.fps', -30],
  ['composition.fps', 0.5],
  ['composition.fps', 241],
  ['composition.fps', Number.NaN],
  ['composition.fps', '30000/0'],
  ['composition.fps', '0/0'],
  ['composition.fps', 'abc'],
  ['composition.fps', ''],
  ['composition.source', ''],
  ['composition.inputProps', 'text'],
  ['composition.inputProps.deep', Number.NaN],
  ['frameRange', [5, 5]],
  ['frameRange', [10, 5]],
  ['frameRange.0', -1],
  ['frameRange.1', 2.5],
  ['frameRange.0', Number.NaN],
  ['id', 'a/b'],
  ['id', '../escape'],
  ['id', ''],
  ['id', 'x'.repeat(65)],
  ['id', 'blank here'],
  ['encoding.codec', 'av2'],
  ['encoding.crf', 99],
  ['encoding.crf', 52],
  ['encoding.crf', -1],
  ['encoding.bitrate', 'fast'],
  ['encoding.preset', 'placebo'],
  ['encoding.pixelFormat', 'yuv420p; rm -rf'],
  ['encoding.scale', 0],
  ['encoding.everyNthFrame', 0],
  ['encoding.audioCodec', 'opus'],
  ['chunking.segments', 0],
  ['page.timeouts.frame', 0],
  ['page.onAssetError', 'ignore'],
  ['outputPath', ''],
];

/** A sound job with one value replaced. */
function jobWith([path, value]: Change): RenderJobInput {
  const job = structuredClone({ frameRange: [0, 10], encoding: {}, chunking: {}, ...scene.job() }) as object;
  const names = path.split('.');
  const last = names.pop() as string;
  let at = job as Record<string, unknown>;
  for (const name of names) {
    at[name] ??= {};
    at = at[name] as Record<string, unknown>;
  }
  at[last] = value;
  return job as RenderJobInput;
}

describe('a job with a bad value is refused with its path', () => {
  test.each(invalid)('%s = %j', async (path, value) => {
    const job = jobWith([path, value]);
    const error = await scene.fail(job);
    expect(error).toBeInstanceOf(ValidationError);
    const { issues } = error.details as { issues: { path: string; message: string }[] };
    expect(issues.map((issue) => issue.path)).toEqual([path]);
    expect(error.message).toContain(path);
    expect(error.message).toContain(issues[0]?.message);
  });

  test('all faults are told at once', async () => {
    const error = await scene.fail({ id: 'a/b', composition: { fps: 0, width: 1 } });
    expect(error.details.issues).toMatchObject([
      { path: 'id' },
      { path: 'composition.width' },
      { path: 'composition.fps' },
    ]);
  });

  test('an unknown field is told by its name', async () => {
    const error = await scene.fail({ framRange: [0, 5] } as object);
    expect(error).toBeInstanceOf(ValidationError);
    expect(error.message).toContain('framRange');
  });

  test('nothing is written of a job whose id is not one', async () => {
    await scene.fail({ id: '../../escape' });
    const kept: string[] = [];
    for await (const { key } of scene.store.list('renders/')) kept.push(key);
    expect(kept).toEqual([]);
  });
});

describe('parts of an encoding that do not go together', () => {
  test.each<[string, RenderJobInput['encoding'], string]>([
    ['crf and bitrate', { crf: 20, bitrate: '8M' }, 'encoding.crf'],
    ['crf of prores', { codec: 'prores', crf: 10 }, 'encoding.crf'],
    ['transparent h264', { transparent: true }, 'encoding.transparent'],
    ['rgba in h264', { pixelFormat: 'rgba' }, 'encoding.pixelFormat'],
    ['wav in mp4', { audioCodec: 'wav' }, 'encoding.audioCodec'],
  ])('%s', (_, encoding, path) => {
    const outputPath = encoding?.codec === 'prores' ? 'out.mov' : 'out.mp4';
    expect(() => parseJob({ ...scene.job({ encoding }), outputPath })).toThrow(
      expect.objectContaining({ name: 'ValidationError', message: expect.stringContaining(path) }),
    );
  });

  test.each<[NonNullable<RenderJobInput['encoding']>['codec'], string]>([
    ['h264', 'out.webm'],
    ['vp9', 'out.mp4'],
    ['prores', 'out.mp4'],
    ['gif', 'out.mp4'],
    ['png', 'out.jpg'],
    ['jpeg', 'out.png'],
    ['h264', 'out'],
    ['h264', 'mp4'],
    ['gif', 'folder'],
  ])('%s is not written to %s', (codec, outputPath) => {
    const attempt = () => parseJob({ ...scene.job({ encoding: { codec } }), outputPath });
    expect(attempt).toThrow(ValidationError);
    expect(attempt).toThrow(`outputPath: ${codec} is written to .`);
    expect(attempt).toThrow(outputPath);
  });
});

function onlyHeliosErrors(input: unknown): void {
  try {
    parseJob(input as RenderJobInput);
  } catch (error) {
    if (!(error instanceof HeliosError)) throw error;
    expect(error.message.length).toBeGreaterThan(0);
    JSON.stringify(error);
  }
}

describe('junk of any kind', () => {
  const junk = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withNullPrototype: true,
    withSparseArray: true,
    withTypedArray: true,
    maxDepth: 4,
  });

  test('never makes anything but an error of ours', () => {
    fc.assert(fc.property(junk, onlyHeliosErrors), { numRuns: 500 });
  });

  test('nor does it in any place of a job', () => {
    const names = [
      'id',
      'composition',
      'composition.source',
      'composition.fps',
      'composition.duration',
      'composition.inputProps',
      'composition.inputProps.x',
      'frameRange',
      'encoding',
      'encoding.codec',
      'encoding.crf',
      'outputPath',
      'chunking',
      'page',
      'page.timeouts',
    ];
    const place = fc.constantFrom(...names);
    const put = (path: string, value: unknown): unknown => {
      const job: Record<string, unknown> = {
        id: 'ok',
        composition: { source: 'x', inputProps: {} },
        outputPath: 'x.mp4',
        page: {},
        encoding: {},
      };
      const [head = '', ...rest] = path.split('.');
      if (rest.length === 0) return { ...job, [head]: value };
      let at = job[head] as Record<string, unknown>;
      for (const name of rest.slice(0, -1)) at = at[name] as Record<string, unknown>;
      at[rest.at(-1) as string] = value;
      return job;
    };
    fc.assert(
      fc.property(place, junk, (path, value) => onlyHeliosErrors(put(path, value))),
      { numRuns: 1_000 },
    );
  });

  test('props that contain themselves or go too deep are refused by their path', () => {
    const round: Record<string, unknown> = {};
    round.self = round;
    let deep = {};
    for (let level = 0; level < 10_000; level++) deep = { deep };
    for (const value of [round, { list: [round] }, deep]) {
      expect(() => parseJob(jobWith(['composition.inputProps', value]))).toThrow(
        /composition\.inputProps: must be plain JSON of at most 64 levels that does not contain itself/,
      );
    }
  });

  test('nor do symbols, functions and other things that are no JSON', () => {
    const round: Record<string, unknown> = {};
    round.self = round;
    const odd = [round, { [Symbol('key')]: 1 }, Symbol('value'), () => 1, 10n, new Proxy({}, {})];
    for (const value of odd) {
      onlyHeliosErrors(value);
      onlyHeliosErrors({ id: value, composition: value, outputPath: value });
      onlyHeliosErrors({ ...scene.job(), composition: { source: 'x', inputProps: value } });
      onlyHeliosErrors({ ...scene.job(), composition: { source: 'x', inputProps: { value } } });
    }
  });
});
