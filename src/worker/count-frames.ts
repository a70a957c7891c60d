import { open } from 'node:fs/promises';
import path from 'node:path';
import { UnknownLayout } from '../utils/mp4/boxes.ts';
import { fileSource } from '../utils/mp4/file-source.ts';
import { readMovie } from '../utils/mp4/read-movie.ts';
import { readOnlyTrack } from '../utils/mp4/read-track.ts';
import { readPacketTimes } from '../utils/packet-times.ts';

async function countInMp4(path: string): Promise<number | undefined> {
  await using file = await open(path);
  try {
    const { moov } = await readMovie(await fileSource(file));
    return readOnlyTrack(moov).sizes.length;
  } catch (error) {
    if (error instanceof UnknownLayout) return undefined;
    throw error;
  }
}

/** The frames of a segment's file, without decoding it; FFmpeg counts where it is no MP4. */
export async function countFrames(file: string, signal?: AbortSignal): Promise<number> {
  const found = path.extname(file) === '.mp4' ? await countInMp4(file) : undefined;
  return found ?? (await readPacketTimes(['-protocol_whitelist', 'file', '-i', file], signal)).packets;
}
