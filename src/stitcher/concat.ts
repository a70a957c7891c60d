import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { codecTraits } from '../types/codecs.ts';
import type { Encoding } from '../types/encoding.ts';
import { type Fps, toRational, trackTimescale } from '../types/fps.ts';
import { pacingArgs, runFfmpeg } from '../utils/ffmpeg.ts';

/** A segment on this machine. */
export interface SegmentFile {
  readonly file: string;
  readonly frames: number;
}

export interface ConcatOptions {
  readonly segments: readonly SegmentFile[];
  readonly encoding: Encoding;
  /** Of the output. */
  readonly fps: Fps;
  /** The whole sound, encoded; `undefined` for none. */
  readonly audioFile?: string | undefined;
  /** The output file, or a pattern with `%05d` for an image sequence. */
  readonly output: string;
  /** For the list and other files in between. */
  readonly workFolder: string;
  readonly signal?: AbortSignal | undefined;
}

const quote = (file: string): string => `'${file.replaceAll("'", "'\\''")}'`;

/**
 * The list that FFmpeg's concat demuxer reads. It counts in whole microseconds and adds them up, so each duration
 * is the difference of two rounded places on the timeline: over any number of segments they are off by less than one.
 */
function concatList(segments: readonly SegmentFile[], fps: Fps): string {
  const { num, den } = toRational(fps);
  let frames = 0;
  const entries = segments.map((segment) => {
    const from = Math.round((frames * den * 1e6) / num);
    frames += segment.frames;
    const microseconds = Math.round((frames * den * 1e6) / num) - from;
    return `file ${quote(segment.file)}\nduration ${(microseconds / 1e6).toFixed(6)}`;
  });
  return `ffconcat version 1.0\n${entries.join('\n')}\n`;
}

function containerArgs(encoding: Encoding, fps: Fps, output: string): string[] {
  switch (path.extname(output).toLowerCase()) {
    case '.mp4':
    case '.m4v':
    case '.mov':
      return ['-video_track_timescale', String(trackTimescale(fps)), '-movflags', '+faststart'];
    case '.webm':
      return encoding.transparent ? ['-metadata:s:v:0', 'alpha_mode=1'] : [];
    case '.mkv':
      // Shifting B-frames' decode times to 0 would make the sound late.
      return ['-avoid_negative_ts', 'disabled'];
    default:
      return [];
  }
}

/** Joins segments in order and adds the sound; nothing is encoded again, but for GIF, which has one palette for all. */
export async function concatSegments(options: ConcatOptions): Promise<void> {
  const { segments, encoding, fps, audioFile, output, workFolder, signal } = options;
  const list = path.join(workFolder, 'segments.txt');
  await writeFile(list, concatList(segments, fps));
  const input = ['-f', 'concat', '-safe', '0', '-protocol_whitelist', 'file,pipe', '-i', list];
  if (encoding.codec === 'gif') return writeGif(input, options);
  if (codecTraits[encoding.codec].pictures) {
    const sequence = ['-f', 'image2', '-start_number', '0'];
    // image2 fills in every %d of the path, in the folders' names too.
    const pattern = `./${path.basename(output)}`;
    await runFfmpeg(
      [...input, '-map', '0:v:0', '-c', 'copy', ...(await pacingArgs('passthrough')), ...sequence, pattern],
      {
        signal,
        cwd: path.dirname(output),
      },
    );
    return;
  }
  const audio = audioFile
    ? ['-protocol_whitelist', 'file,pipe', '-i', audioFile, '-map', '0:v:0', '-map', '1:a:0']
    : ['-map', '0:v:0'];
  await runFfmpeg(
    [
      ...input,
      ...audio,
      '-c',
      'copy',
      ...containerArgs(encoding, fps, output),
      '-fflags',
      '+bitexact',
      output,
    ],
    { signal },
  );
}

async function writeGif(
  input: readonly string[],
  { encoding, fps, output, workFolder, signal }: ConcatOptions,
): Promise<void> {
  const { num, den } = toRational(fps);
  const palette = path.join(workFolder, 'palette.png');
  const reserve = encoding.transparent ? 1 : 0;
  await runFfmpeg([...input, '-vf', `palettegen=reserve_transparent=${reserve}`, '-frames:v', '1', palette], {
    signal,
  });
  const paint = `[0:v]setpts=N*${den}/(${num}*TB)[v];[v][1:v]paletteuse=dither=sierra2_4a`;
  await runFfmpeg(
    [
      ...input,
      '-protocol_whitelist',
      'file',
      '-i',
      palette,
      '-lavfi',
      paint,
      ...(await pacingArgs('passthrough')),
      '-loop',
      '0',
      output,
    ],
    {
      signal,
    },
  );
}
