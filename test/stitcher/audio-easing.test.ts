import { Easing } from '@helios-project/core';
import { expect, test } from 'vitest';
import { easingOf } from '../../src/stitcher/audio-easing.ts';
import { fadeEasings } from '../../src/types/audio.ts';

const CSS_NAMES: Readonly<Record<string, string>> = {
  'ease-in': 'quad.in',
  'ease-out': 'quad.out',
  'ease-in-out': 'quad.inOut',
};

function ofCore(name: string): (progress: number) => number {
  const [group = '', direction = ''] = (CSS_NAMES[name] ?? name).split('.');
  const curves = Easing as unknown as Record<string, Record<string, (progress: number) => number>>;
  return direction ? (curves[group]?.[direction] ?? (() => Number.NaN)) : Easing.linear;
}

test.each(fadeEasings)('%s is the curve that core draws', (name) => {
  const own = easingOf(name);
  const core = ofCore(name);
  for (let step = 0; step <= 1000; step++) expect(own(step / 1000)).toBeCloseTo(core(step / 1000), 10);
});
