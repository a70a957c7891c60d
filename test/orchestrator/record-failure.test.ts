import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { leavingError, type RenderStep, recordFailure } from '../../src/orchestrator/record-failure.ts';
import { LocalStore } from '../../src/storage/local-store.ts';
import { readJson } from '../../src/storage/object-store.ts';
import { AssetError } from '../../src/utils/errors.ts';

let folder: string;
let store: LocalStore;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'record-failure-'));
  store = new LocalStore(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const groups = { plan: 'plans', render: 'renders', audio: 'sounds', stitch: 'stitches' };
const log = { group: 'told', stream: 's1', requestId: 'r1' };
const segment = { index: 1, range: [10, 20] as [number, number] };
const error = new AssetError('logo.png is missing.', { details: { url: 'logo.png' } });
const caught = {
  Error: error.name,
  Cause: JSON.stringify({ errorType: error.name, errorMessage: error.message, trace: [] }),
};
const steps: readonly (readonly [RenderStep, { segment?: typeof segment }])[] = [
  ['plan', {}],
  ['audio', {}],
  ['stitch', {}],
  ['render', { segment }],
];
const left = (id: string, step: RenderStep, where: object) =>
  expect(leavingError(store, { id, step, ...where }, { log }, () => Promise.reject(error))).rejects.toBe(
    error,
  );
const recorded = (id: string) => readJson(store, `renders/${id}/error.json`);

describe.each(steps)('a failure of %s', (step, where) => {
  // A segment's failure names no step: the state machine of its map knows which segment it was.
  const told = where.segment ? where : { step };

  test('is recorded with its details and where its log is', async () => {
    const id = `typed-${step}`;
    await left(id, step, where);
    await recordFailure(store, { id, error: caught, ...told, execution: 'e1' }, groups);
    const { name, message, details } = error;
    expect(await recorded(id)).toMatchObject({
      name,
      message,
      details,
      step,
      log,
      execution: 'e1',
      ...where,
    });
  });

  test('of which it could tell nothing is recorded with the group of its log', async () => {
    const id = `crashed-${step}`;
    const crash = { Error: 'Runtime.ExitError', Cause: '{"errorMessage":"exited"}' };
    await recordFailure(store, { id, error: crash, ...told }, groups);
    expect(await recorded(id)).toMatchObject({
      name: 'Runtime.ExitError',
      message: 'exited',
      details: {},
      log: { group: groups[step] },
    });
  });

  test('whose cause was cut is known by its name', async () => {
    const id = `cut-${step}`;
    await left(id, step, where);
    const cut = { ...caught, Cause: caught.Cause.slice(0, 40) };
    await recordFailure(store, { id, error: cut, ...told }, groups);
    expect(await recorded(id)).toMatchObject({ message: error.message, details: error.details, log });
    const other = { Error: 'KitError', Cause: cut.Cause };
    await recordFailure(store, { id, error: other, ...told }, groups);
    expect(await recorded(id)).toMatchObject({
      name: 'KitError',
      message: cut.Cause,
      details: {},
      log: { group: groups[step] },
    });
  });
});

test('what was left by another failure does not stand for this one', async () => {
  await left('other', 'plan', {});
  const later = { Error: 'AssetError', Cause: '{"errorType":"AssetError","errorMessage":"font.ttf"}' };
  await recordFailure(store, { id: 'other', error: later, step: 'plan' }, groups);
  expect(await recorded('other')).toMatchObject({
    message: 'font.ttf',
    details: {},
    log: { group: 'plans' },
  });
});
