import { spawnSync } from 'node:child_process';
import { mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { concatSegments } from '../../src/stitcher/concat.ts';
import { encodingSchema } from '../../src/types/encoding.ts';
import { DiskFullError } from '../../src/utils/errors.ts';
import { Encoder } from '../../src/worker/encoder.ts';
import { compressedPicture } from '../../src/worker/picture.ts';
import { type ChildOptions, startChildRender } from '../helpers/child-render.ts';
import { type FaultJob, FaultScene } from '../helpers/fault-scene.ts';
import { ffmpegPath, runTool } from '../helpers/tools.ts';

let scene: FaultScene;
beforeAll(async () => {
  scene = await FaultScene.open();
});
afterAll(() => scene[Symbol.asyncDispose]());

/** A file system of its own needs a user namespace, which some machines refuse. */
const canMount = spawnSync('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;

describe.skipIf(!canMount)('on a disk of a few megabytes', () => {
  const big: FaultJob = {
    composition: { durationInFrames: 300 },
    encoding: { codec: 'prores', muted: true },
    chunking: { segments: 1 },
  };
  let disks = 0;

  /** Renders with a small disk at `disk`, and lists what is left on it. */
  async function renderOn(
    megabytes: number,
    make: (disk: string) => { job: FaultJob; store?: string } & ChildOptions,
  ) {
    const disk = path.join(scene.folder, `disk-${++disks}`);
    const listing = `${disk}.txt`;
    await mkdir(disk);
    const { job, store = scene.store.url, ...options } = make(disk);
    const script = `mount -t tmpfs -o size=${megabytes}m tmpfs "${disk}" && "$@"; status=$?; find "${disk}" -mindepth 1 > "${listing}"; exit $status`;
    const wrapper = ['unshare', '-rm', 'sh', '-c', script, 'sh'];
    const outcome = await startChildRender(store, scene.job(job), { ...options, wrapper }).ended;
    const left = (await readFile(listing, 'utf8')).split('\n').filter(Boolean);
    return { ...outcome, left: left.map((file) => path.relative(disk, file)) };
  }

  test('the output', async () => {
    const { status, error, left } = await renderOn(1, (disk) => ({
      job: { ...big, outputPath: path.join(disk, 'out', 'video.mov') },
    }));
    expect(status).toBe(1);
    expect(error?.name).toBe('DiskFullError');
    expect(error?.message).toContain('no space left');
    expect(left).toEqual([]);
  });

  test('an image sequence', async () => {
    const { error, left } = await renderOn(1, (disk) => ({
      job: { ...big, encoding: { codec: 'png' }, outputPath: path.join(disk, 'pictures') },
    }));
    expect(error?.name).toBe('DiskFullError');
    expect(left).toEqual([]);
  });

  test('the store', async () => {
    const { error, left } = await renderOn(1, (disk) => ({
      store: path.join(disk, 'store'),
      job: { ...big, outputPath: path.join(scene.outputs, 'video.mov') },
    }));
    expect(error?.name).toBe('DiskFullError');
    expect(error?.message).toContain(path.join('store', 'segments'));
    expect(error?.message).toContain('Free some space');
    // A picture of a seam may be there, whole.
    expect(
      left.filter((file) => /segments\/\w+\/[\d-]+(\.[0-9a-f]{16})?\.\w+$|\.partial\//.test(file)),
    ).toEqual([]);
    expect(await readdir(scene.outputs)).toEqual([]);
  });

  test('the temporary folder, in mid-render', async () => {
    const { error, left, stderr } = await renderOn(20, (disk) => ({
      env: { TMPDIR: disk },
      job: {
        ...big,
        composition: { durationInFrames: 1_000, inputProps: { long: true } },
        encoding: { codec: 'prores', muted: true, scale: 2 },
        outputPath: path.join(scene.outputs, 'video.mov'),
      },
    }));
    expect(stderr).toBe('');
    expect(error?.name).toBe('DiskFullError');
    expect(left.filter((file) => file.startsWith('helios-infra'))).toEqual([]);
    expect(await readdir(scene.outputs)).toEqual([]);
  });

  test('the temporary folder, full from the start', async () => {
    const { error, left } = await renderOn(1, (disk) => ({
      env: { TMPDIR: disk },
      job: {
        ...big,
        composition: { durationInFrames: 30, inputProps: { fresh: true } },
        page: { timeouts: { load: 3_000 } },
        outputPath: path.join(scene.outputs, 'video.mov'),
      },
    }));
    expect(error?.name).toBe('DiskFullError');
    expect(left.filter((file) => file.startsWith('helios-infra'))).toEqual([]);
  });
});

describe('on /dev/full', () => {
  const picture = async (): Promise<Buffer> =>
    runTool(ffmpegPath, [
      ...['-v', 'error', '-f', 'lavfi', '-i', 'testsrc=size=320x180', '-frames:v', '1'],
      ...['-c:v', 'png', '-f', 'image2pipe', '-'],
    ]);

  test.each(['h264', 'prores', 'png'] as const)('a segment of %s', async (codec) => {
    const file = path.join(
      scene.folder,
      `${codec}.${codec === 'prores' ? 'mov' : codec === 'png' ? 'mkv' : 'mp4'}`,
    );
    await symlink('/dev/full', file);
    const encoder = await Encoder.open({
      encoding: encodingSchema.parse({ codec }),
      fps: 30,
      pictures: 'png',
      size: { width: 320, height: 180 },
      pictureSize: { width: 320, height: 180 },
      file,
    });
    const png = compressedPicture('png', await picture());
    const encode = async () => {
      for (let frame = 0; frame < 200; frame++) await encoder.write(png);
      await encoder.finish();
    };
    await expect(encode()).rejects.toBeInstanceOf(DiskFullError);
    await encoder.abort();
  });

  test.each([
    ['h264', 'mp4', ['-c:v', 'libx264']],
    ['h264', 'mkv', ['-c:v', 'libx264']],
    ['vp8', 'webm', ['-c:v', 'libvpx']],
    ['prores', 'mov', ['-c:v', 'prores_ks']],
    ['gif', 'gif', ['-c:v', 'png']],
  ] as const)('the output, %s in %s', async (codec, extension, encode) => {
    const segment = path.join(scene.folder, `segment-${extension}.mkv`);
    const source = ['-f', 'lavfi', '-i', 'testsrc=size=320x180:duration=2'];
    await runTool(ffmpegPath, ['-v', 'error', ...source, ...encode, segment]);
    const output = path.join(scene.folder, `full.${extension}`);
    await symlink('/dev/full', output);
    const joining = concatSegments({
      segments: [{ file: segment, frames: 50 }],
      encoding: encodingSchema.parse({ codec }),
      fps: 25,
      output,
      workFolder: scene.folder,
    });
    await expect(joining).rejects.toBeInstanceOf(DiskFullError);
  });

  test('a program that ends without reading is an encoder error, not a broken pipe', async () => {
    const encoder = await Encoder.open({
      encoding: encodingSchema.parse({}),
      fps: 30,
      pictures: 'png',
      size: { width: 320, height: 180 },
      pictureSize: { width: 320, height: 180 },
      file: path.join(scene.folder, 'no', 'such', 'folder.mp4'),
    });
    const png = compressedPicture('png', await picture());
    const encode = async () => {
      for (let frame = 0; frame < 500; frame++) await encoder.write(png);
      await encoder.finish();
    };
    await expect(encode()).rejects.toMatchObject({ name: 'EncoderError', details: { exitCode: 1 } });
  });
});
