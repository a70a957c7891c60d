import validate from 'asl-validator';
import { expect, test } from 'vitest';
import { retries } from '../../cdk/retries.ts';
import * as errors from '../../src/utils/errors.ts';
import {
  AssetError,
  EncoderError,
  HeliosError,
  retryableErrorNames,
  SegmentDamagedError,
} from '../../src/utils/errors.ts';
import { definition, planOf, runMachine, wellBehaved } from './run-machine.ts';

const names = (calls: readonly (readonly [string, unknown])[]) => calls.map(([name]) => name);

test('the definition is valid', () => {
  const { isValid, errorsText } = validate(definition);
  expect(errorsText()).toBe('');
  expect(isValid).toBe(true);
});

test('a render announces itself, plans, renders each segment beside the sound, joins, and announces its end', async () => {
  const { output, calls } = await runMachine(wellBehaved);

  expect(output).toEqual({ id: 'r1', output: 's3://films/video/renders/r1/output.mp4', frames: 30 });
  expect(names(calls).slice(0, 2)).toEqual(['Render Started', 'plan']);
  expect(names(calls).slice(2, -2).toSorted()).toEqual(['audio', 'render', 'render', 'render']);
  expect(names(calls).slice(-2)).toEqual(['stitch', 'Render Succeeded']);
  const of = (name: string) => calls.filter(([what]) => what === name).map(([, input]) => input);
  expect(of('plan')).toEqual([{ job: { id: 'r1' }, capacity: 5 }]);
  expect(of('render')).toEqual(
    [0, 1, 2].map((index) => ({ id: 'r1', index, attempt: 0, timeoutSeconds: 30 })),
  );
  expect(of('stitch')).toEqual([{ id: 'r1', audioKey: 'renders/r1/audio.m4a', audioMs: 5 }]);
  const about = { farm: 'test', id: 'r1', execution: 'arn:execution:r1' };
  expect(of('Render Started')).toEqual([about]);
  expect(of('Render Succeeded')).toEqual([{ ...about, output: 's3://films/video/renders/r1/output.mp4' }]);
});

test('a render without sound is joined without a mix', async () => {
  const { calls } = await runMachine({ ...wellBehaved, audio: () => ({ key: null, ms: 0 }) });
  expect(calls).toContainEqual(['stitch', { id: 'r1', audioKey: null, audioMs: 0 }]);
});

test('40 segments are mapped inline', async () => {
  const { calls } = await runMachine({ ...wellBehaved, plan: ({ job }) => planOf(job.id, 40) });
  expect(names(calls).filter((name) => name === 'render')).toHaveLength(40);
});

test('a segment whose error can heal is rendered again', async () => {
  let failures = 2;
  const { output, calls } = await runMachine({
    ...wellBehaved,
    render: (event) => {
      if (event.index === 1 && failures-- > 0) throw new EncoderError('FFmpeg was killed.');
      return wellBehaved.render(event);
    },
  });
  expect(output).toMatchObject({ frames: 30 });
  const indexes = calls.flatMap(([name, input]) =>
    name === 'render' ? [(input as { index: number }).index] : [],
  );
  expect(indexes.toSorted()).toEqual([0, 1, 1, 1, 2]);
});

test('a segment that hangs is given up after the time of its plan, and rendered again', async () => {
  let hung = false;
  const { output, calls } = await runMachine({
    ...wellBehaved,
    plan: ({ job }) => planOf(job.id, 3, { renderTimeoutSeconds: 1 }),
    render: (event) => {
      if (event.index !== 1 || hung) return wellBehaved.render(event);
      hung = true;
      return new Promise(() => {});
    },
  });
  expect(output).toMatchObject({ frames: 30 });
  expect(calls.filter(([name]) => name === 'render')).toHaveLength(4);
});

test('a segment that hangs each time fails the render after three attempts', async () => {
  const { error, calls } = await runMachine({
    ...wellBehaved,
    plan: ({ job }) => planOf(job.id, 1, { renderTimeoutSeconds: 1 }),
    render: () => new Promise(() => {}),
  });
  expect(error).toMatchObject({ name: 'RenderFailed' });
  expect(calls.filter(([name]) => name === 'render')).toHaveLength(3);
  expect(calls.find(([name]) => name === 'failure')?.[1]).toMatchObject({
    error: { Error: 'States.Timeout' },
    segment: { index: 0, range: [0, 10] },
  });
});

test('segments of both maps have the time of the plan', () => {
  const text = JSON.stringify(definition);
  expect(text.match(/"TimeoutSecondsPath":"\$\.timeoutSeconds"/g)).toHaveLength(2);
  expect(text.match(/"timeoutSeconds\.\$":"\$\.plan\.renderTimeoutSeconds"/g)).toHaveLength(2);
});

test('a typed error that can not heal is recorded with its segment, announced, and ends the render', async () => {
  const { error, calls } = await runMachine({
    ...wellBehaved,
    plan: ({ job }) => planOf(job.id, 1),
    render: () => {
      throw new AssetError('logo.png is missing.');
    },
  });
  expect(error).toMatchObject({ name: 'RenderFailed' });
  expect(error?.message).toBe('SegmentFailed: see s3://films/video/renders/r1/error.json');
  expect(names(calls).filter((name) => name !== 'audio')).toEqual([
    'Render Started',
    'plan',
    'render',
    'failure',
    'failure',
    'Render Failed',
  ]);
  expect(calls.find(([name]) => name === 'failure')?.[1]).toEqual({
    id: 'r1',
    error: { Error: 'AssetError', Cause: 'logo.png is missing.' },
    segment: { index: 0, range: [0, 10] },
    execution: 'arn:execution:r1',
  });
  expect(calls.at(-1)?.[1]).toMatchObject({ id: 'r1', farm: 'test', error: 'SegmentFailed' });
});

test.each(['plan', 'audio', 'stitch'] as const)(
  'an error of %s is recorded, announced, and ends the render',
  async (name) => {
    const { error, calls } = await runMachine({
      ...wellBehaved,
      [name]: () => {
        throw new AssetError('the music is missing.');
      },
    });
    expect(error).toMatchObject({ name: 'RenderFailed' });
    expect(names(calls).filter((called) => called === name)).toHaveLength(1);
    expect(names(calls).slice(-2)).toEqual(['failure', 'Render Failed']);
    expect(calls.at(-1)?.[1]).toMatchObject({ error: 'AssetError' });
    // The first record of an execution stays.
    expect(calls.find(([what]) => what === 'failure')?.[1]).toEqual({
      id: 'r1',
      error: { Error: 'AssetError', Cause: 'the music is missing.' },
      step: name,
      execution: 'arn:execution:r1',
    });
  },
);

test('segments that are lost when they are to be joined are rendered again, once', async () => {
  const losing = (times: number) => {
    let left = times;
    return runMachine({
      ...wellBehaved,
      stitch: (event) => {
        if (left-- > 0) throw new SegmentDamagedError('A segment is gone.');
        return wellBehaved.stitch(event);
      },
    });
  };
  const healed = await losing(1);
  expect(healed.output).toMatchObject({ frames: 30 });
  const called = (name: string) => names(healed.calls).filter((what) => what === name).length;
  expect([called('plan'), called('render'), called('stitch')]).toEqual([1, 6, 2]);
  expect(healed.calls.at(-1)?.[0]).toBe('Render Succeeded');

  const { error, calls } = await losing(2);
  expect(error).toMatchObject({ name: 'RenderFailed' });
  expect(names(calls).filter((name) => name === 'stitch')).toHaveLength(2);
  expect(calls.at(-2)?.[1]).toMatchObject({ id: 'r1', error: { Error: 'SegmentDamagedError' } });
});

test('a render fails by its own name when even its error can not be recorded', async () => {
  const fail = () => {
    throw new AssetError('gone.');
  };
  const { error, calls } = await runMachine({ ...wellBehaved, plan: fail, failure: fail });
  expect(error).toMatchObject({ name: 'RenderFailed' });
  expect(calls.at(-1)?.[0]).toBe('Render Failed');
});

test('throttling is waited out far longer than a crash, and errors that can not heal are in no list', () => {
  const attempts = (name: string) =>
    retries.find(({ ErrorEquals }) => ErrorEquals.includes(name))?.MaxAttempts;
  expect(attempts('Lambda.TooManyRequestsException')).toBeGreaterThanOrEqual(50);
  for (const name of ['Runtime.ExitError', 'Sandbox.Timedout', 'States.Timeout', 'Lambda.Unknown'])
    expect(attempts(name)).toBe(2);
  for (const name of ['AssetError', 'ValidationError', 'States.ALL', 'States.TaskFailed'])
    expect(attempts(name)).toBeUndefined();
});

test('the errors that are tried again are those whose instances say so', () => {
  const retryable = Object.values(errors)
    .filter((value) => typeof value === 'function' && value.prototype instanceof HeliosError)
    .map((value) => new (value as new (message: string) => HeliosError)('x'))
    .filter((error) => error.retryable)
    .map(({ name }) => name);
  expect(retryableErrorNames().toSorted()).toEqual(retryable.toSorted());
  expect(retryable).toContain('OutOfTimeError');
});
