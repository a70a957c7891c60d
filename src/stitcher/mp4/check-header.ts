import { StitchError } from '../../utils/errors.ts';
import { boxAt, UnknownLayout } from '../../utils/mp4/boxes.ts';
import { readTracks } from '../../utils/mp4/read-track.ts';
import { showingOrder } from '../../utils/mp4/segment-tables.ts';

export interface HeaderExpectation {
  readonly frames: number;
  /** Ticks that a frame lasts. */
  readonly ticks: number;
  /** Bytes of the whole file. */
  readonly size: number;
}

/**
 * Reads the head of an output anew and checks it: the number of its frames, that each is shown one frame's time
 * after the last, and that the samples of all tracks fill the rest of the file, each byte once.
 * @throws StitchError
 */
export function checkHeader(header: Buffer, { frames, ticks, size }: HeaderExpectation): void {
  const wrong = (what: string, cause?: unknown): StitchError =>
    new StitchError(`The joined video is wrong: ${what}.`, { cause, details: { frames, ticks, size } });
  try {
    // The media, of which only the head is there, is not looked for.
    const tracks = readTracks(boxAt(header, 'moov').body);
    const video = tracks.find(({ kind }) => kind === 'vide');
    if (video?.sizes.length !== frames) throw wrong(`it has ${video?.sizes.length} frames of ${frames}`);
    showingOrder(video, ticks);
    const chunks = tracks.flatMap((track) => track.chunks).sort((a, b) => a.start - b.start);
    let at = header.length;
    for (const { start, end } of chunks) {
      if (start !== at) throw wrong(`a chunk begins at ${start} and not at ${at}`);
      at = end;
    }
    if (at !== size) throw wrong(`it ends at ${at} of ${size} bytes`);
  } catch (error) {
    if (error instanceof UnknownLayout) throw wrong(error.message, error);
    throw error;
  }
}
