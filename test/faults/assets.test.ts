import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AssetError } from '../../src/utils/errors.ts';
import { FaultScene } from '../helpers/fault-scene.ts';
import { packetTimes } from '../helpers/media-info.ts';
import { fixture } from '../helpers/renderer.ts';

let scene: FaultScene;
beforeAll(async () => {
  scene = await FaultScene.open();
});
afterAll(() => scene[Symbol.asyncDispose]());

/** The file that is missing, and the frame at which the render is to fail with it; none while it loads. */
const cases = [
  { name: 'missing-image', file: 'missing.png', frame: undefined },
  { name: 'missing-font', file: 'missing.woff2', frame: undefined },
  { name: 'missing-script', file: 'missing.js', frame: undefined },
  { name: 'missing-video', file: 'missing.mp4', frame: undefined },
  { name: 'late-missing-image', file: 'missing.png', frame: 15 },
] as const;

describe.each(cases)('$name', ({ name, file, frame }) => {
  const composition = { source: fixture(`bad/${name}`) };
  const frameRange: [number, number] = [0, 16];

  test('is an error with its address and its frame', async () => {
    const error = await scene.fail({ composition, frameRange });
    expect(error).toBeInstanceOf(AssetError);
    expect(error.message).toContain(file);
    expect(error.message).toContain('or render with onAssetError "warn"');
    const url = `http://composition.localhost/${file}`;
    expect(error.details).toMatchObject({ url, reason: 'HTTP 404', ...(frame ? { frame } : {}) });
    if (frame) expect(error.message).toContain(`Frame ${frame} `);
  });

  test('is a warning when the job says so', async () => {
    const { warnings, output, frames } = await scene.render({
      id: `warn-${name}`,
      composition,
      frameRange,
      page: { onAssetError: 'warn' },
      outputPath: `${scene.folder}/warn-${name}.mp4`,
    });
    expect(frames).toBe(16);
    expect((await packetTimes(output)).packets).toHaveLength(16);
    expect(warnings.join('\n')).toContain(file);
    if (frame) expect(warnings.join('\n')).toContain(`at frame ${frame}: could not load`);
  });
});

test('an image that another host does not give is named by its address', async () => {
  const source = await scene.page('refused', '<img src="http://127.0.0.1:9/picture.png" alt="">');
  const error = await scene.fail({ composition: { source }, frameRange: [0, 2] });
  expect(error).toBeInstanceOf(AssetError);
  expect(error.details).toMatchObject({ url: 'http://127.0.0.1:9/picture.png' });
});

test('a video that another host does not give is named by its address', async () => {
  const source = await scene.page('refused-video', '<video src="http://127.0.0.1:9/film.mp4" muted></video>');
  const error = await scene.fail({ composition: { source }, frameRange: [0, 2] });
  expect(error).toBeInstanceOf(AssetError);
  expect(error.message).toContain('http://127.0.0.1:9/film.mp4');
});
