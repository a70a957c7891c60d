import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { bundleEntry } from '../../lambda/bundle.ts';
import { readPlan } from '../../src/orchestrator/plan-record.ts';
import { keys } from '../../src/storage/keys.ts';
import { putJson, readJson } from '../../src/storage/object-store.ts';
import type { FrameJob } from '../../src/types/frame-job.ts';
import { findSegmentRecord } from '../../src/worker/find-segment.ts';
import { decodeBarcodes } from '../helpers/barcode.ts';
import { fixture, videoKeyOf } from '../helpers/renderer.ts';
import { AwsFarm, skipped } from './aws-farm.ts';
import { Throttle } from './throttle.ts';

const frames = Array.from({ length: 90 }, (_, frame) => frame);
const SEGMENTS = 6;

describe.skipIf(skipped)('a farm in AWS whose functions fail', () => {
  let farm: AwsFarm;
  let assets: string;

  beforeAll(async () => {
    farm = await AwsFarm.open();
    assets = await mkdtemp(path.join(tmpdir(), 'helios-faulty-'));
    const functions = path.join(assets, 'functions');
    await cp('dist/functions', functions, { recursive: true });
    for (const name of ['render', 'stitch'])
      await bundleEntry(`test/aws/faulty/${name}.ts`, path.join(functions, name));
    await symlink(path.resolve('dist/layers'), path.join(assets, 'layers'));
    const { status, stderr } = await farm.run('deploy', '-c', `assets=${assets}`, '-c', 'keepBucket=false');
    expect(stderr).not.toContain('✗');
    expect(status).toBe(0);
  });
  afterAll(async () => {
    await farm.run('destroy');
    await farm[Symbol.asyncDispose]();
    await rm(assets, { recursive: true, force: true });
  });

  /** Each render has props of its own, so that it finds no segment of another one. */
  const render = (id: string) => {
    const what = [fixture('barcode-css'), '--on', 'lambda', '--id', id, '--segments', String(SEGMENTS)];
    return farm.run('render', ...what, '--props', JSON.stringify({ id }), '-o', `${id}.mp4`, '--json');
  };
  const whole = { type: 'result', frames: 90, segments: { total: SEGMENTS, cached: 0, rendered: SEGMENTS } };
  /** What the store says of each segment; it has the times that the segment took. */
  const records = async (id: string) => {
    const { store } = await farm.client();
    const { frameJobs } = await readPlan(store, id);
    return Promise.all(frameJobs.map((frameJob) => findSegmentRecord(store, frameJob)));
  };
  const changed = (before: readonly unknown[], after: readonly unknown[]) =>
    before.flatMap((record, index) => (isDeepStrictEqual(record, after[index]) ? [] : [index]));
  const decoded = (id: string) => decodeBarcodes(farm.path(`${id}.mp4`));

  test('a warm sandbox renders the next job, and keeps no more than its browser in /tmp', async () => {
    const { store } = await farm.client();
    const marks = async (id: string) =>
      Promise.all(
        Array.from({ length: SEGMENTS }, async (_, index) => {
          const mark = await readJson(store, `renders/${id}/progress/temp-${index}`);
          return mark as { sandbox: string; temp: string[] };
        }),
      );
    for (const id of ['warm-1', 'warm-2']) {
      const { status, lines } = await render(id);
      expect(status).toBe(0);
      expect(lines().at(-1)).toMatchObject(whole);
      expect(await decoded(id)).toEqual(frames);
    }
    const first = await marks('warm-1');
    const second = await marks('warm-2');
    const warm = new Set(first.map(({ sandbox }) => sandbox));
    expect(second.filter(({ sandbox }) => warm.has(sandbox))).not.toEqual([]);
    // What the warm browser keeps: a profile, the compositions' files, and Chromium's unpacked libraries.
    for (const { temp } of [...first, ...second]) {
      const kinds = temp.map((name) => name.replace(/^helios-infra-.*-(\w+)-\w+$/, '$1')).sort();
      expect(['.cache,blobs,browser', 'blobs,browser']).toContain(kinds.join(','));
    }
  });

  test('a function that crashes once', async () => {
    const { status, lines } = await render('crash-once');
    expect(status).toBe(0);
    expect(lines().at(-1)).toMatchObject(whole);
    expect(await decoded('crash-once')).toEqual(frames);
  });

  test('every second invocation ended by the error of a throttled one, made by the function itself', async () => {
    const { status, lines } = await render('throttled');
    expect(status).toBe(0);
    expect(lines().at(-1)).toMatchObject(whole);
    expect(await decoded('throttled')).toEqual(frames);
  });

  test('a function that hangs past its time', async () => {
    const { status, lines } = await render('hang');
    expect(status).toBe(0);
    expect(lines().at(-1)).toMatchObject(whole);
    expect(await decoded('hang')).toEqual(frames);
  });

  test.runIf(process.env.AWS_ENDPOINT_URL?.startsWith('http:'))(
    'an S3 that is busy for a while',
    async () => {
      const { status, lines } = await render('busy-s3');
      expect(status).toBe(0);
      expect(lines().at(-1)).toMatchObject(whole);
      expect(await decoded('busy-s3')).toEqual(frames);
      const { store } = await farm.client();
      const { count } = (await readJson(store, 'renders/busy-s3/progress/refused')) as { count: number };
      expect(count).toBeGreaterThan(1);
    },
  );

  test('a stitch that dies half way', async () => {
    const { status, lines } = await render('stitch-dies');
    expect(status).toBe(0);
    expect(lines().at(-1)).toMatchObject(whole);
    expect(await decoded('stitch-dies')).toEqual(frames);
  });

  test('a function that always crashes: error.json names the segment; resume renders what is missing', async () => {
    const { status, lines } = await render('crash-always');
    expect(status).toBe(1);
    expect(lines().at(-1)).toMatchObject({ type: 'error', details: { segment: 1, frames: '15–29' } });
    const { store } = await farm.client();
    expect(await readJson(store, keys.error('crash-always'))).toMatchObject({
      name: expect.stringMatching(/Runtime\.ExitError|Lambda\.Unknown/),
      message: expect.stringContaining('exited'),
      segment: { index: 1, range: [15, 30] },
      log: { group: expect.stringContaining('render') },
      execution: expect.stringContaining('crash-always'),
    });

    await putJson(store, 'renders/crash-always/progress/mended', {});
    const before = await records('crash-always');
    const missing = before.flatMap((record, index) => (record ? [] : [index]));
    expect(missing).toContain(1);
    const resumed = await farm.run('resume', 'crash-always', '--json');

    expect(resumed.status).toBe(0);
    const { cached, rendered } = (
      resumed.lines().at(-1) as { segments: { cached: number; rendered: number } }
    ).segments;
    expect(cached + rendered).toBe(SEGMENTS);
    // One that was at work when the render failed may have come to its end before it was asked for again.
    expect(rendered).toBeGreaterThanOrEqual(1);
    expect(rendered).toBeLessThanOrEqual(missing.length);
    expect(changed(before, await records('crash-always'))).toEqual(missing);
    await farm.run('download', 'crash-always', '-o', 'crash-always.mp4');
    expect(await decoded('crash-always')).toEqual(frames);
  });

  test('a segment that is deleted before the stitch is rendered again, and nothing else', async () => {
    const { store } = await farm.client();
    const ended = render('lost');
    await vi.waitFor(async () => expect(await store.head('renders/lost/progress/written')).toBeDefined(), {
      timeout: 300_000,
      interval: 500,
    });
    const { frameJobs } = await readPlan(store, 'lost');
    // The stitch waits for the one that was written, and so for the test; the others may still be at work.
    const before = await vi.waitFor(
      async () => {
        const all = await records('lost');
        expect(all).not.toContain(undefined);
        return all;
      },
      { timeout: 300_000, interval: 500 },
    );
    const lost = frameJobs[1] as FrameJob;
    for (const key of [await videoKeyOf(store, lost), keys.segmentRecord(lost.segmentKey)]) {
      expect(await store.head(key)).toBeDefined();
      await store.delete(key);
    }
    await store.put('renders/lost/progress/deleted', 'x');
    const { status, lines } = await ended;
    expect(status).toBe(0);
    expect(lines().at(-1)).toMatchObject(whole);
    expect(await decoded('lost')).toEqual(frames);
    expect(changed(before, await records('lost'))).toEqual([lost.index]);
  });

  test('all invocations throttled by Lambda itself for a while', async (context) => {
    const client = await farm.client();
    await using throttle = await Throttle.of(client.farm.functions.render);
    context.skip(!(await throttle.holds()), 'this endpoint does not keep to a reserved concurrency');
    const ended = render('starved');
    await vi.waitFor(async () => expect((await client.getProgress('starved')).phase).toBe('render'), {
      timeout: 300_000,
      interval: 1000,
    });
    await sleep(10_000);
    await throttle.end();
    const { status, lines } = await ended;
    expect(status).toBe(0);
    expect(lines().at(-1)).toMatchObject(whole);
    const { segments } = await client.getProgress('starved');
    expect(segments.retried).toBeGreaterThanOrEqual(SEGMENTS);
    expect(await decoded('starved')).toEqual(frames);
  });

  test('a bucket that goes with its stack goes with all that is in it, while a render runs', async () => {
    const client = await farm.client();
    const { store } = client;
    const ended = render('interrupted');
    await vi.waitFor(async () => expect((await client.getProgress('interrupted')).phase).toBe('render'), {
      timeout: 300_000,
      interval: 500,
    });
    const { status, stdout, stderr } = await farm.run('destroy');
    expect(stderr).toContain('Stopping the render interrupted');
    expect(stderr).toContain('Deleting everything in s3://');
    expect(stdout).toMatch(/is gone, and [\d,]+ objects of .* with the bucket/);
    expect(status).toBe(0);
    expect((await ended).status).toBe(1);
    await expect(readJson(store, keys.result('lost'))).rejects.toMatchObject({ name: 'StoreAddressError' });
  });
});
