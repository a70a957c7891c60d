import { expect, test } from 'vitest';
import { boundAnswer } from '../../src/orchestrator/bound-answer.ts';
import type { RenderResult } from '../../src/types/render-result.ts';
import { LISTED_SEAMS, type Seam } from '../../src/types/seams.ts';

const digest = 'a'.repeat(64);
const seam: Seam = {
  frame: 100_000,
  segments: [1000, 1001],
  digests: [digest, digest],
  pictures: [`segments/${digest}/${digest}-last.png`, `segments/${digest}/${digest}-first.png`],
  levels: 255,
  pixels: 2_000_000,
};
const seams = {
  checked: 300,
  matched: 0,
  rounded: 0,
  mismatched: 0,
  unproved: 0,
  roundings: [],
  mismatches: [],
};
const result: RenderResult = {
  id: 'film',
  output: 's3://films/renders/film/output.mp4',
  bytes: 1,
  frames: 108_000,
  fps: 30,
  width: 1920,
  height: 1080,
  durationSeconds: 3600,
  segments: { total: 1000, cached: 0, rendered: 1000 },
  joinedBy: 'kit',
  seams,
  audioTracks: 0,
  seekMode: 'seek',
  capture: { framebuffer: 1 },
  warnings: ['one'],
  timings: { plan: 1, render: 1, audio: 1, stitch: 1, total: 4 },
};

test('a small result stays as it is', () => {
  expect(boundAnswer(result)).toBe(result);
});

test('what a state can not carry is left out and counted', () => {
  const listed = Array.from({ length: LISTED_SEAMS }, () => seam);
  const warnings = Array.from({ length: 5000 }, (_, frame) => `Frame ${frame}: ${'é'.repeat(1000)}`);
  const whole = { ...result, warnings, seams: { ...seams, roundings: listed, mismatches: listed } };
  const bound = boundAnswer(whole);
  expect(Buffer.byteLength(JSON.stringify(bound))).toBeLessThan(60 * 1024);
  expect(bound).toMatchObject({ frames: 108_000, seams: { checked: 300, roundings: [], mismatches: [] } });
  expect(bound.warnings.slice(0, -1)).toEqual(warnings.slice(0, bound.warnings.length - 1));
  expect(bound.warnings.at(-1)).toBe(`${5001 - bound.warnings.length} more warnings stand in result.json.`);
});
