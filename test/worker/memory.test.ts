import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { toolsOf } from '../helpers/processes.ts';
import { fixture, Renderer } from '../helpers/renderer.ts';

const renderer = await Renderer.open();
afterAll(() => renderer[Symbol.asyncDispose]());

/**
 * Proportional set size of what the browser and the encoder can write to, in MiB. Their programs' own pages count the
 * more the fewer other tests run the same programs.
 */
async function toolMemory(): Promise<number> {
  const sizes = (await toolsOf()).map(async ({ pid }) => {
    const maps = await readFile(`/proc/${pid}/smaps`, 'latin1').catch(() => '');
    const kilobytes = [...maps.matchAll(/^[0-9a-f]+-[0-9a-f]+ .w[\s\S]*?^Pss: +(\d+)/gm)].map(([, size]) =>
      Number(size),
    );
    return kilobytes.reduce((sum, size) => sum + size, 0) / 1024;
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

test('memory does not grow with the number of frames', async () => {
  const composition = { source: fixture('barcode-raf'), durationInFrames: 2400 };
  const page = { seekMode: 'seek' } as const;
  await renderer.render({ composition, page, frameRange: [0, 10] });
  const samples: number[] = [];
  let done = false;
  const rendering = renderer.render({ composition, page, chunking: { segments: 1 } }).finally(() => {
    done = true;
  });
  while (!done) {
    samples.push(await toolMemory());
    await sleep(50);
  }
  await rendering;

  const third = Math.floor(samples.length / 3);
  expect(third).toBeGreaterThan(5);
  expect(Math.max(...samples.slice(third, 2 * third))).toBeGreaterThan(20);
  expect(Math.max(...samples.slice(-third))).toBeLessThan(
    Math.max(...samples.slice(third, 2 * third)) * 1.1 + 8,
  );
});
