import { readFile } from 'node:fs/promises';
import { InvalidArgumentError } from 'commander';
import { type Fps, fpsSchema } from '../types/fps.ts';
import type { FrameRange } from '../types/render-job.ts';
import { ValidationError } from '../utils/errors.ts';

export function numberFlag(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}

/** A whole number from 1. */
export function countFlag(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('It must be a whole number from 1.');
  return Number(text);
}

const UNIT_SECONDS: Readonly<Record<string, number>> = { h: 3600, m: 60, s: 1 };

/** A time in seconds: `90`, `90s`, `15m`, `1h30m`. */
export function durationFlag(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)([hms])/g)];
  const whole = parts.map(([part]) => part).join('');
  const seconds = parts.reduce(
    (sum, [, value, unit = 's']) => sum + Number(value) * (UNIT_SECONDS[unit] ?? 1),
    0,
  );
  const found = /^\d+(\.\d+)?$/.test(text) ? Number(text) : whole === text ? seconds : 0;
  if (found > 0) return found;
  throw new InvalidArgumentError('It must be a time, such as 90s, 15m or 1h30m.');
}

/** A frame's number, from 0. */
export function frameFlag(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('It must be a frame number, from 0.');
  return Number(text);
}

export function fpsFlag(text: string): Fps {
  const parsed = fpsSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new InvalidArgumentError('It must be from 1 to 240, such as 30, 29.97 or 30000/1001.');
}

/** Frames as people count them, `0-149` or `12`, both ends rendered; comes out half open. */
export function framesFlag(text: string): FrameRange {
  const match = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(text);
  const [, first, last = first] = match ?? [];
  if (!match || Number(last) < Number(first)) {
    throw new InvalidArgumentError('It must be first-last, such as 0-149 (both are rendered), or one frame.');
  }
  return [Number(first), Number(last) + 1];
}

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** A stretch of time, such as `30m`, `12h`, `7d`, in milliseconds. */
export function ageFlag(text: string): number {
  const [, number, unit = ''] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  if (number === undefined)
    throw new InvalidArgumentError('It must be a number and s, m, h, d or w, such as 7d.');
  return Number(number) * (UNIT_MS[unit] as number);
}

/** A size, such as `500MB` or `10GB`, in bytes; units of 1000. */
export function bytesFlag(text: string): number {
  const [, number, unit = ''] = /^(\d{1,6}(?:\.\d{1,3})?)\s?([kMGT]?)B$/i.exec(text) ?? [];
  if (number === undefined)
    throw new InvalidArgumentError('It must be a number and B, kB, MB, GB or TB, such as 10GB.');
  return Math.round(Number(number) * 1000 ** ' KMGT'.indexOf(unit.toUpperCase() || ' '));
}

/**
 * Input props: a JSON object, or the name of a file that holds one.
 * @throws ValidationError
 */
export async function readProps(text: string): Promise<Record<string, unknown>> {
  const inline = text.trimStart().startsWith('{');
  const where = inline ? '--props' : `The props file ${text}`;
  const json = inline
    ? text
    : await readFile(text, 'utf8').catch((cause: unknown) => {
        throw new ValidationError(`${where} can't be read. Give a file, or a JSON object.`, { cause });
      });
  let props: unknown;
  try {
    props = JSON.parse(json);
  } catch (cause) {
    throw new ValidationError(`${where} is not JSON.`, { cause });
  }
  if (typeof props !== 'object' || props === null || Array.isArray(props)) {
    throw new ValidationError(`${where} must be a JSON object, such as {"name": "Ada"}.`);
  }
  return props as Record<string, unknown>;
}
