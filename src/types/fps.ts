import { z } from 'zod';

/** A frame rate as an exact fraction, in frames a second. */
export interface Rational {
  readonly num: number;
  readonly den: number;
}

const NTSC: Readonly<Record<string, Rational>> = {
  '23.976': { num: 24000, den: 1001 },
  '23.98': { num: 24000, den: 1001 },
  '29.97': { num: 30000, den: 1001 },
  '47.952': { num: 48000, den: 1001 },
  '59.94': { num: 60000, den: 1001 },
  '119.88': { num: 120000, den: 1001 },
};

const MAX_FPS = 240;

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

function reduce(num: number, den: number): Rational {
  const divisor = gcd(num, den);
  return { num: num / divisor, den: den / divisor };
}

function parse(text: string): Rational | undefined {
  const ntsc = NTSC[text];
  if (ntsc) return ntsc;
  const match = /^(\d{1,6})(?:\.(\d{1,3})|\/(\d{1,6}))?$/.exec(text);
  if (!match) return undefined;
  const [, whole, fraction, denominator] = match;
  if (denominator !== undefined)
    return Number(denominator) === 0 ? undefined : reduce(Number(whole), Number(denominator));
  const scale = 10 ** (fraction?.length ?? 0);
  return reduce(Number(`${whole}${fraction ?? ''}`), scale);
}

/**
 * Frames a second, 1 to 240: a number (`30`, `12.5`), or a fraction in a string (`"30000/1001"`). The decimal
 * names of the NTSC rates (`29.97`, `23.976`, `59.94`, …) mean the fractions over 1001. Comes out in one
 * canonical form: an integer, else a reduced `"num/den"`.
 */
export const fpsSchema = z.union([z.number(), z.string()]).transform((value, context): number | string => {
  const rate = parse(String(value).trim());
  if (!rate || rate.num < rate.den || rate.num > MAX_FPS * rate.den) {
    context.addIssue({
      code: 'custom',
      message: `fps must be from 1 to ${MAX_FPS}, as a number or a fraction such as "30000/1001"; it is ${JSON.stringify(value)}`,
    });
    return z.NEVER;
  }
  return rate.den === 1 ? rate.num : `${rate.num}/${rate.den}`;
});

/** A frame rate in canonical form: an integer, or a reduced fraction such as `"30000/1001"`. */
export type Fps = z.output<typeof fpsSchema>;

/** The exact fraction of a canonical frame rate. */
export function toRational(fps: Fps): Rational {
  const rate = parse(String(fps));
  if (!rate) throw new RangeError(`not a frame rate: ${JSON.stringify(fps)}`);
  return rate;
}

/** The time of a frame in seconds: n × den / num, computed afresh, never accumulated. */
export function frameToSeconds(frame: number, fps: Fps): number {
  const { num, den } = toRational(fps);
  return (frame * den) / num;
}

/** The time of a frame in milliseconds. */
export function frameToMs(frame: number, fps: Fps): number {
  const { num, den } = toRational(fps);
  return (frame * den * 1000) / num;
}

/** How many frames a stretch of seconds fills, to the nearest frame. */
export function secondsToFrames(seconds: number, fps: Fps): number {
  const { num, den } = toRational(fps);
  return Math.round((seconds * num) / den);
}

/** Ticks a second of an MP4 or MOV track, such that each frame lasts a whole number of them. */
export function trackTimescale(fps: Fps): number {
  let timescale = toRational(fps).num;
  while (timescale < 10_000) timescale *= 2;
  return timescale;
}

/** The output's frame rate. */
export function outputFps(fps: Fps, everyNthFrame: number): Fps {
  const { num, den } = toRational(fps);
  const rate = reduce(num, den * everyNthFrame);
  return rate.den === 1 ? rate.num : `${rate.num}/${rate.den}`;
}
