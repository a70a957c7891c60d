import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { OutputFile } from '../../src/stitcher/output-file.ts';
import { OutputBusyError, OutputError } from '../../src/utils/errors.ts';
import { sweepWorkFolders } from '../../src/utils/work-folder.ts';
import { decodeBarcodes } from '../helpers/barcode.ts';
import { startChildRender } from '../helpers/child-render.ts';
import { expectNothingLeft, FaultScene, frameNumbers } from '../helpers/fault-scene.ts';
import { until } from '../helpers/processes.ts';

let scene: FaultScene;
beforeAll(async () => {
  scene = await FaultScene.open();
});
afterAll(() => scene[Symbol.asyncDispose]());

/** A process that has ended; its id is free. */
/** The tag of one. */
async function deadProcess(): Promise<string> {
  const { pid, ended } = startChildRender('', { id: '/', composition: { source: '' }, outputPath: '' });
  await ended;
  return `${pid}-1`;
}

describe('a path that can not be written', () => {
  test('its folder is a file', async () => {
    const file = path.join(scene.folder, 'file');
    await writeFile(file, 'text');
    const outputPath = path.join(file, 'video.mp4');
    const error = await scene.fail({ outputPath });
    expect(error).toBeInstanceOf(OutputError);
    expect(error.message).toContain(`Can't write ${outputPath}`);
    expect(error.message).toContain('Check the path and its permissions');
    expect(error.details).toMatchObject({ file: outputPath });
    expect(await readFile(file, 'utf8')).toBe('text');
  });

  test('it is a folder', async () => {
    const outputPath = path.join(scene.folder, 'folder.mp4');
    await mkdir(outputPath);
    const error = await scene.fail({ outputPath });
    expect(error).toBeInstanceOf(OutputError);
    expect(error.message).toBe(`Can't write ${outputPath}: it is a folder. Name a file in it.`);
    expect(await readdir(outputPath)).toEqual([]);
  });

  test.each([
    '/proc/helios/video.mp4',
    '/proc/helios/a/b/video.mp4',
    '/sys/kernel/video.mp4',
    '/dev/null/video.mp4',
  ])('nobody may write there: %s', async (outputPath) => {
    const error = await scene.fail({ outputPath });
    expect(error).toBeInstanceOf(OutputError);
    expect(error.message).toContain(outputPath);
  });

  test('its name is too long', async () => {
    const outputPath = path.join(scene.outputs, `${'x'.repeat(250)}.mp4`);
    const error = await scene.fail({ outputPath });
    expect(error).toBeInstanceOf(OutputError);
    expect(error.details).toMatchObject({ code: 'ENAMETOOLONG' });
  });

  test('the folder of a sequence is a file', async () => {
    const outputPath = path.join(scene.folder, 'pictures');
    await writeFile(outputPath, 'text');
    const error = await scene.fail({ outputPath, encoding: { codec: 'png' } });
    expect(error).toBeInstanceOf(OutputError);
    expect(await readFile(outputPath, 'utf8')).toBe('text');
  });
});

describe('a failed render', () => {
  test('leaves the video of before', async () => {
    const outputPath = path.join(scene.outputs, 'kept.mp4');
    await writeFile(outputPath, 'the video of before');
    await scene.fail({ outputPath, frameRange: [0, 1_000] });
    expect(await readFile(outputPath, 'utf8')).toBe('the video of before');
  });

  test('takes the folders away that it made', async () => {
    await scene.fail({ outputPath: path.join(scene.outputs, 'new/deep/video.mp4'), frameRange: [0, 1_000] });
    const encoding = { codec: 'png' } as const;
    await scene.fail({ outputPath: path.join(scene.outputs, 'new'), encoding, frameRange: [0, 1_000] });
  });

  test('leaves the pictures that another put into its folder', async () => {
    const outputPath = path.join(scene.outputs, 'shared');
    await mkdir(outputPath);
    await writeFile(path.join(outputPath, 'own.txt'), 'mine');
    await scene.fail({ outputPath, encoding: { codec: 'png' }, frameRange: [0, 1_000] });
    expect(await readdir(outputPath)).toEqual(['own.txt']);
  });
});

describe('two renders into the same file', () => {
  test('at once: one succeeds, the other is told of it', async () => {
    const outputPath = path.join(scene.folder, 'both', 'video.mp4');
    const job = { outputPath, frameRange: [0, 10] as [number, number] };
    const outcomes = await Promise.allSettled([
      scene.render({ ...job, id: 'first' }),
      scene.render({ ...job, id: 'second' }),
    ]);
    const refused = outcomes.filter((outcome) => outcome.status === 'rejected');
    expect(refused).toHaveLength(1);
    expect(refused[0]?.reason).toBeInstanceOf(OutputBusyError);
    expect(refused[0]?.reason.message).toContain(`(process ${process.pid}) is writing ${outputPath}`);
    expect(refused[0]?.reason.details).toEqual({ file: outputPath, pid: process.pid });
    expect(await decodeBarcodes(outputPath)).toEqual(frameNumbers(0, 10));
    expect(await readdir(path.dirname(outputPath))).toEqual(['video.mp4']);
    await expectNothingLeft();
  });

  test('one after the other: the second one stays', async () => {
    const outputPath = path.join(scene.folder, 'again.mp4');
    await scene.render({ outputPath, frameRange: [0, 3] });
    await scene.render({ outputPath, frameRange: [5, 9] });
    expect(await decodeBarcodes(outputPath)).toEqual(frameNumbers(5, 9));
  });

  test('of two processes: the second is told which', async () => {
    const outputPath = path.join(scene.folder, 'processes', 'video.mp4');
    let rendering = false;
    const first = startChildRender(
      scene.store.url,
      scene.job({ id: 'elsewhere', outputPath, frameRange: [10, 40] }),
      { onProgress: () => (rendering = true) },
    );
    await until('the other process', () => rendering || undefined);
    const error = await scene.render({ outputPath }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OutputBusyError);
    expect((error as OutputBusyError).details).toMatchObject({ pid: first.pid });
    expect((await first.ended).status).toBe(0);
    expect(await decodeBarcodes(outputPath)).toEqual(frameNumbers(10, 40));
  });

  test('out of fifty that ask at the same moment, one gets it', async () => {
    const file = path.join(scene.folder, 'crowd', 'video.mp4');
    const owners: OutputFile[] = [];
    const asked = Array.from({ length: 50 }, async () => {
      const owner = await OutputFile.reserve(file);
      owners.push(owner);
      await sleep(50);
    });
    const outcomes = await Promise.allSettled(asked);
    expect(owners).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(OutputBusyError);
    }
    await owners[0]?.[Symbol.asyncDispose]();
    expect(await readdir(path.dirname(file)).catch(() => [])).toEqual([]);
  });
});

describe('what a killed render left', () => {
  test('its lock is taken over and its half video goes', async () => {
    const folder = path.join(scene.folder, 'stale');
    await mkdir(folder);
    await writeFile(path.join(folder, '.video.mp4.lock'), await deadProcess());
    await writeFile(path.join(folder, '.video.mp4.partial.mp4'), 'half a video');
    const outputPath = path.join(folder, 'video.mp4');
    await scene.render({ outputPath, frameRange: [0, 5] });
    expect(await decodeBarcodes(outputPath)).toEqual(frameNumbers(0, 5));
    expect(await readdir(folder)).toEqual(['video.mp4']);
  });

  test('its lock is taken over when this process has its id by now, as in a container', async () => {
    const folder = path.join(scene.folder, 'same-id');
    await mkdir(folder);
    const dead = `${process.pid}-1`;
    await writeFile(path.join(folder, '.video.mp4.lock'), dead);
    const work = path.join(tmpdir(), `helios-infra-${dead}-segment-x`);
    await mkdir(work);
    await sweepWorkFolders();
    await expect(stat(work)).rejects.toMatchObject({ code: 'ENOENT' });
    await using output = await OutputFile.reserve(path.join(folder, 'video.mp4'));
    expect(output.target).toBe(path.join(folder, 'video.mp4'));
    await expect(OutputFile.reserve(output.target)).rejects.toBeInstanceOf(OutputBusyError);
  });

  test('what it had begun of a lock goes', async () => {
    const folder = path.join(scene.folder, 'half-lock');
    await mkdir(folder);
    for (const name of ['a', 'a.stale'])
      await writeFile(path.join(folder, `.video.mp4.lock.${await deadProcess()}.${name}`), '');
    await using output = await OutputFile.reserve(path.join(folder, 'video.mp4'));
    expect(await readdir(path.dirname(output.target))).toEqual(['.video.mp4.lock']);
  });

  test('out of fifty that ask for it, one gets it, each of 40 times', async () => {
    const folder = path.join(scene.folder, 'stale-crowd');
    await mkdir(folder);
    const dead = await deadProcess();
    const file = path.join(folder, 'video.mp4');
    for (let round = 0; round < 40; round++) {
      await writeFile(path.join(folder, '.video.mp4.lock'), dead);
      const outcomes = await Promise.allSettled(Array.from({ length: 50 }, () => OutputFile.reserve(file)));
      const owners = outcomes.filter((outcome) => outcome.status === 'fulfilled');
      expect(owners, `round ${round}`).toHaveLength(1);
      await owners[0]?.value[Symbol.asyncDispose]();
      expect(await readdir(folder)).toEqual([]);
    }
  });

  test('one that was killed while it took a lock over does not keep others from it', async () => {
    const folder = path.join(scene.folder, 'stale-claim');
    await mkdir(folder);
    for (const name of ['', '.claim0', '.claim1'])
      await writeFile(path.join(folder, `.video.mp4.lock${name}`), await deadProcess());
    await using output = await OutputFile.reserve(path.join(folder, 'video.mp4'));
    expect(await readdir(path.dirname(output.target))).toEqual(['.video.mp4.lock']);
  });

  test('an empty lock, of a disk that was full, is taken over', async () => {
    const folder = path.join(scene.folder, 'empty-lock');
    await mkdir(folder);
    await writeFile(path.join(folder, '.video.mp4.lock'), '');
    await using output = await OutputFile.reserve(path.join(folder, 'video.mp4'));
    expect(output.target).toBe(path.join(folder, 'video.mp4'));
  });
});
