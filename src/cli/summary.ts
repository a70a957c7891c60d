import path from 'node:path';
import { styleText } from 'node:util';
import { toRational } from '../types/fps.ts';
import type { RenderResult } from '../types/render-result.ts';
import type { Seams } from '../types/seams.ts';
import { count, formatBytes, formatMs } from './format.ts';

/** A path as a person would type it from here. */
export function fromHere(file: string): string {
  const relative = path.relative('', file);
  return path.isAbsolute(file) && relative !== '' && !relative.startsWith('..') ? relative : file;
}

/** How the segments meet; nothing when there is one. */
function seamsText({ matched, rounded, mismatched, unproved }: Seams): string {
  const parts = [
    [matched, 'the same'],
    [rounded, 'but for a rounding'],
    [mismatched, 'different'],
    [unproved, 'unproved'],
  ] as const;
  const told = parts.filter(([number]) => number > 0).map(([number, word]) => `${number} ${word}`);
  return told.length > 0 ? `; seams: ${told.join(', ')}` : '';
}

/** What came out, and where the time went. */
export function summary(result: RenderResult): string {
  const { segments, timings, audioTracks } = result;
  const { num, den } = toRational(result.fps);
  const fps = den === 1 ? num : (num / den).toFixed(3);
  const sound = audioTracks === 0 ? 'no sound' : count(audioTracks, 'sound track');
  const tick = styleText('green', '✓', { stream: process.stdout });
  const text = [
    `${tick} ${fromHere(result.output)}  ${formatBytes(result.bytes)}`,
    `  ${count(result.frames, 'frame')}, ${result.durationSeconds.toFixed(2)} s at ${fps} fps, ${result.width}×${result.height}, ${sound}`,
    `  ${count(segments.total, 'segment')}: ${segments.rendered} rendered, ${segments.cached} from the store${segments.duplicated ? `, ${segments.duplicated} started twice` : ''}${seamsText(result.seams)}`,
    `  took ${formatMs(timings.total)}: plan ${formatMs(timings.plan)}, render ${formatMs(timings.render)}, stitch ${formatMs(timings.stitch)}${timings.audio > 0 ? `; sound ${formatMs(timings.audio)} beside the render` : ''}`,
  ];
  if (result.seekMode === 'replay') {
    text.push(
      '  The page keeps state from frame to frame, so each segment was stepped from frame 0 (--seek-mode).',
    );
  }
  for (const warning of result.warnings) {
    text.push(`${styleText('yellow', '!', { stream: process.stdout })} ${warning}`);
  }
  return text.join('\n');
}
