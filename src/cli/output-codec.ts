import { statSync } from 'node:fs';
import path from 'node:path';
import { codecTraits } from '../types/codecs.ts';
import type { VideoCodec } from '../types/encoding.ts';

const BY_ENDING: Readonly<Record<string, VideoCodec>> = {
  '.mp4': 'h264',
  '.m4v': 'h264',
  '.mkv': 'h264',
  '.webm': 'vp9',
  '.mov': 'prores',
  '.gif': 'gif',
  '.png': 'png',
  '.jpg': 'jpeg',
  '.jpeg': 'jpeg',
};

/**
 * The codec that an output path asks for: `preferred` when it can be written there, else by the ending; a folder
 * holds PNG pictures.
 */
export function codecOfOutput(output: string, preferred?: VideoCodec): VideoCodec | undefined {
  const isFolder =
    /[/\\]$/.test(output) || statSync(output, { throwIfNoEntry: false })?.isDirectory() === true;
  const ending = path.extname(output).toLowerCase();
  if (preferred && codecTraits[preferred].extensions.includes(ending.slice(1))) return preferred;
  return isFolder ? 'png' : BY_ENDING[ending];
}
