import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deleteOwnBucket, emptyStore } from '../../src/adapters/empty-bucket.ts';
import { farmStore, findFarm } from '../../src/adapters/farm.ts';
import { readPlan } from '../../src/orchestrator/plan-record.ts';
import { keys } from '../../src/storage/keys.ts';
import { readJson } from '../../src/storage/object-store.ts';
import { decodeBarcodes } from '../helpers/barcode.ts';
import { decodeAudio } from '../helpers/decode-audio.ts';
import { digests, example, fixture, Renderer } from '../helpers/renderer.ts';
import { AwsFarm, skipped } from './aws-farm.ts';

if (skipped) console.warn(`test:aws is skipped: ${skipped}`);

const range = (end: number): number[] => Array.from({ length: end }, (_, frame) => frame);
const last = <T>(list: readonly T[]): T => list.at(-1) as T;

describe.skipIf(skipped)('a farm in AWS', () => {
  let farm: AwsFarm;
  let local: Renderer;
  const barcode = fixture('barcode-css');

  beforeAll(async () => {
    farm = await AwsFarm.open();
    local = await Renderer.open();
    const { status, stderr } = await farm.run('deploy', '-c', 'keepBucket=true');
    expect(stderr).not.toContain('✗');
    expect(status).toBe(0);
  });
  afterAll(async () => {
    await local[Symbol.asyncDispose]();
    // Of a test that failed nothing is left in the account; without one the farm is gone.
    await farm.run('destroy', '--delete-outputs');
    await farm[Symbol.asyncDispose]();
  });

  test('an example in 6 segments, inline, has the pictures of the local render', async () => {
    const source = example('css-title');
    const args = [source, '--on', 'lambda', '--id', 'inline', '--segments', '6', '-o', 'inline.mp4'];
    const { status, stderr, lines } = await farm.run('render', ...args, '--json');
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(last(lines())).toMatchObject({ type: 'result', segments: { total: 6, rendered: 6 } });
    const expected = await local.render({ composition: { source }, chunking: { segments: 6 } });
    expect(await farm.digests('inline')).toEqual(digests(expected));
    expect((await stat(farm.path('inline.mp4'))).size).toBe(last(lines()).bytes);
  });

  test('a barcode film in 60 segments, distributed, has every frame once', async () => {
    const args = [barcode, '--on', 'lambda', '--id', 'wide', '--segments', '60', '-o', 'wide.mp4'];
    const { status, stderr, lines } = await farm.run('render', ...args, '--json');
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(last(lines())).toMatchObject({ frames: 90, segments: { total: 60, rendered: 60 } });
    expect(await decodeBarcodes(farm.path('wide.mp4'))).toEqual(range(90));
    const expected = await local.render({ composition: { source: barcode }, chunking: { segments: 60 } });
    expect(await farm.digests('wide')).toEqual(digests(expected));
  });

  test('a film with sound has the pictures and the sound of the local render', async () => {
    const source = example('video-and-music');
    const args = [source, '--on', 'lambda', '--id', 'sound', '--frames', '0-89', '--segments', '5'];
    const { status, stderr, lines } = await farm.run('render', ...args, '-o', 'sound.mp4', '--json');
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(last(lines())).toMatchObject({ frames: 90, segments: { total: 5, rendered: 5 } });
    const expected = await local.render({
      composition: { source },
      frameRange: [0, 90],
      chunking: { segments: 5 },
    });
    expect(await farm.digests('sound')).toEqual(digests(expected));
    const heard = await decodeAudio(farm.path('sound.mp4'));
    expect(heard.samples.length).toBeGreaterThan(100_000);
    expect(heard).toEqual(await decodeAudio(expected.file));
  });

  test('the seams match, and verify finds the same frames again', async () => {
    const { store } = await farm.client();
    expect(await readJson(store, keys.result('inline'))).toMatchObject({
      seams: { checked: 5, matched: 5, mismatched: 0, unproved: 0 },
    });
    const { status, lines } = await farm.run('verify', 'inline', '--frames', '6', '--json');
    expect(last(lines()).frames).toHaveLength(6);
    expect(status).toBe(0);
  });

  test('another job over the same frames finds the segments of the first', async () => {
    const args = [barcode, '--on', 'lambda', '--id', 'part', '--frames', '0-44', '-o', 'part.mp4'];
    const { status, lines } = await farm.run('render', ...args, '--json');
    expect(status).toBe(0);
    expect(last(lines())).toMatchObject({ frames: 45, segments: { rendered: 0 } });
    expect(await decodeBarcodes(farm.path('part.mp4'))).toEqual(range(45));
  });

  test('a render above its budget is refused', async () => {
    const args = [barcode, '--on', 'lambda', '--id', 'dear', '--max-cost', '0.0001', '-o', 'dear.mp4'];
    const { status, lines } = await farm.run('render', ...args, '--json');
    expect(status).toBe(1);
    expect(last(lines())).toMatchObject({
      name: 'BudgetError',
      message: expect.stringContaining('may cost $0.0001'),
    });
  });

  test('a page does not reach the runtime that it is rendered in', async () => {
    const source = farm.path('hostile');
    await mkdir(source);
    await writeFile(
      path.join(source, 'index.html'),
      `<!doctype html><meta name="helios-composition" content="width=64, height=64, fps=30, duration=1">
<script>fetch('http://127.0.0.1:9001/2018-06-01/runtime/invocation/next').catch(() => {});</script>`,
    );
    const args = [source, '--on', 'lambda', '--id', 'hostile', '-o', 'hostile.mp4'];
    const { status, lines } = await farm.run('render', ...args, '--json');
    expect(status).toBe(1);
    expect(last(lines())).toMatchObject({
      name: 'BlockedRequestError',
      message: expect.stringContaining('127.0.0.1:9001'),
    });
  });

  test('the same job again renders nothing', async () => {
    const args = [barcode, '--on', 'lambda', '--id', 'wide', '--segments', '60', '-o', 'again.mp4'];
    const { status, lines } = await farm.run('render', ...args, '--json');
    expect(status).toBe(0);
    expect(lines()[0]).toMatchObject({ type: 'started', started: false, status: 'succeeded' });
    expect(await readFile(farm.path('again.mp4'))).toEqual(await readFile(farm.path('wide.mp4')));
  });

  test('status, watch, estimate and download tell of it', async () => {
    const status = await farm.run('status', 'wide', '--json');
    expect(last(status.lines())).toMatchObject({
      status: 'succeeded',
      framesDone: 90,
      segments: { total: 60 },
    });
    const watch = await farm.run('watch', 'wide', '--json');
    expect(last(watch.lines())).toMatchObject({ type: 'result', id: 'wide', frames: 90 });
    const cost = last((await farm.run('estimate', 'wide', '--json')).lines());
    expect(cost).toMatchObject({ functions: { render: { count: 60 }, plan: { count: 1 } } });
    expect((cost.cost as { total: number }).total).toBeGreaterThan(0);
    const download = await farm.run('download', 'wide', '-o', 'brought.mp4', '--json');
    expect(last(download.lines())).toMatchObject({ output: farm.path('brought.mp4') });
  });

  test('Ctrl+C leaves the render, cancel stops it, resume renders what is missing', async () => {
    const args = [barcode, '--on', 'lambda', '--id', 'stopped', '--segments', '30', '-o', 'stopped.mp4'];
    // Another size: nothing of it lies in the store.
    const size = ['--width', '640', '--height', '360', '--fps', '30', '--duration', '3'];
    const { child, ended, waitFor } = farm.start('render', ...args, ...size, '--concurrency', '2', '--json');
    await waitFor('"rendered":2');
    child.kill('SIGINT');
    const left = await ended;
    expect(left.status).toBe(130);
    expect(left.stderr).toContain('helios-infra cancel stopped');
    expect((await farm.run('cancel', 'stopped')).status).toBe(0);
    const watched = await farm.run('watch', 'stopped', '--json');
    expect(watched.status).toBe(1);
    const { store } = await farm.client();
    const { frameJobs } = await readPlan(store, 'stopped');
    const heads = await Promise.all(
      frameJobs.map(({ segmentKey }) => store.head(keys.segmentRecord(segmentKey))),
    );
    const kept = heads.filter((head) => head !== undefined).length;
    const resumed = await farm.run('resume', 'stopped', '--json');
    expect(resumed.status).toBe(0);
    // One that was at work when the render was stopped may have come to its end.
    const { cached, rendered } = last(resumed.lines()).segments as { cached: number; rendered: number };
    expect(cached + rendered).toBe(30);
    expect(cached).toBeGreaterThanOrEqual(kept);
    expect(rendered).toBeGreaterThan(0);
    expect(cached).toBeLessThan(30);
  });

  test('a composition that its plan refuses ends with that error, and error.json keeps it', async () => {
    const { store } = await farm.client();
    const args = [fixture('bad/missing-image'), '--on', 'lambda', '--id', 'broken', '-o', 'broken.mp4'];
    const { status, lines } = await farm.run('render', ...args, '--json');
    expect(status).toBe(1);
    expect(last(lines())).toMatchObject({ type: 'error', name: 'AssetError', details: { id: 'broken' } });
    expect(await store.head(keys.error('broken'))).toBeDefined();
    const told = last((await farm.run('status', 'broken', '--json')).lines());
    expect(told).toMatchObject({ status: 'failed', error: { name: 'AssetError' } });
  });

  test('a composition whose script throws ends with error.json: cause, details and where its log is', async () => {
    const { store } = await farm.client();
    const args = [
      fixture('bad/script-throws-at-frame-20'),
      '--on',
      'lambda',
      '--id',
      'throws',
      '-o',
      'throws.mp4',
    ];
    const { status, lines } = await farm.run('render', ...args, '--json');
    expect(status).toBe(1);
    expect(last(lines())).toMatchObject({ type: 'error', name: 'PageScriptError' });
    expect(await readJson(store, keys.error('throws'))).toMatchObject({
      name: 'PageScriptError',
      message: expect.stringContaining('broken at frame'),
      step: 'plan',
      details: { frame: expect.any(Number) },
      log: { group: expect.stringContaining('plan'), stream: expect.stringMatching(/./) },
    });
  });

  test('a segment that is lost before it is asked for again is rendered anew', async () => {
    const { store } = await farm.client();
    const { frameJobs } = await readPlan(store, 'wide');
    for (const { segmentKey } of frameJobs.slice(0, 2)) await store.delete(keys.segmentRecord(segmentKey));
    const args = [barcode, '--on', 'lambda', '--id', 'lost', '--segments', '60', '-o', 'lost.mp4'];
    const { lines } = await farm.run('render', ...args, '--json');
    expect(last(lines())).toMatchObject({ segments: { total: 60, cached: 58, rendered: 2 } });
  });

  test('a bundle is sent once', async () => {
    const sent = last((await farm.run('bundle', fixture('static-slides'), '--json')).lines());
    expect(sent.sent).toBe(sent.files);
    const again = last((await farm.run('bundle', fixture('static-slides'), '--json')).lines());
    expect(again).toMatchObject({ digest: sent.digest, sent: 0, sentBytes: 0 });
  });

  test('destroy takes the farm down and keeps its outputs', async () => {
    const { store } = await farm.client();
    const { status, stdout } = await farm.run('destroy');
    expect(stdout).toContain(`is gone. Its outputs stay in ${store.url}`);
    expect(status).toBe(0);
    expect((await farm.run('status', 'wide')).stderr).toContain('FarmNotFoundError');
    expect(await store.head(keys.output('wide', 'mp4'))).toBeDefined();
    await emptyStore(store);
    expect(await deleteOwnBucket({ bucket: new URL(store.url).hostname, name: farm.name })).toBe(true);
  });

  test('destroy takes the outputs with it when told to', async () => {
    expect((await farm.run('deploy', '-c', 'keepBucket=true')).status).toBe(0);
    const { bucket, prefix } = await findFarm(farm.name);
    const store = farmStore({ bucket, prefix });
    await store.put(keys.output('wide', 'mp4'), 'a film');
    const { status, stdout } = await farm.run('destroy', '--delete-outputs');
    expect(stdout).toContain('and 1 object of');
    expect(status).toBe(0);
    await expect(store.get(keys.output('wide', 'mp4'))).rejects.toMatchObject({ name: 'StoreAddressError' });
    expect((await farm.run('destroy')).stderr).toContain('FarmNotFoundError');
  });
});
