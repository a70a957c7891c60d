import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebGLError } from '../../src/utils/errors.ts';
import { FaultScene } from '../helpers/fault-scene.ts';
import { fixture } from '../helpers/renderer.ts';

let scene: FaultScene;
beforeAll(async () => {
  scene = await FaultScene.open();
});
afterAll(() => scene[Symbol.asyncDispose]());

test('a page that gets no WebGL context', async () => {
  const error = await scene.fail({ composition: { source: fixture('bad/no-webgl') } });
  expect(error).toBeInstanceOf(WebGLError);
  expect(error.message).toContain('a canvas asked for a webgl context and got none');
  expect(error.details).toEqual({ frame: 0 });
});

test('a page that loses its WebGL context at a frame', async () => {
  const error = await scene.fail({
    composition: { source: fixture('bad/webgl-context-lost') },
    frameRange: [0, 11],
  });
  expect(error).toBeInstanceOf(WebGLError);
  expect(error.message).toContain('a WebGL context was lost');
  expect(error.details).toEqual({ frame: 10 });
});
