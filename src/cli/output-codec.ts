import { statSync } from 'node:fs';
import path from 'node:path';
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

/** The codec that an output path asks for: by its ending; a folder holds PNG pictures. */
export function codecOfOutput(output: string): VideoCodec | undefined {
  const isFolder =
    /[/\\]$/.test(output) || statSync(output, { throwIfNoEntry: false })?.isDirectory() === true;
  return isFolder ? 'png' : BY_ENDING[path.extname(output).toLowerCase()];
}
