import { startFfmpeg } from './ffmpeg.ts';

/** What a file's packets say of its frames. */
export interface PacketTimes {
  readonly packets: number;
  /** Seconds a tick. */
  readonly timeBase: readonly [number, number];
  /** Presentation times in ticks, in order. */
  readonly pts: Float64Array;
}

/**
 * Reads the times of the video packets of a file, without decoding it.
 * @param inputArgs what stands before and with `-i`
 */
export async function readPacketTimes(
  inputArgs: readonly string[],
  signal?: AbortSignal,
): Promise<PacketTimes> {
  const ffmpeg = startFfmpeg(
    [...inputArgs, '-map', '0:v:0', '-c', 'copy', '-copyts', '-f', 'framecrc', 'pipe:1'],
    { signal },
  );
  ffmpeg.stdin.end();
  let timeBase: readonly [number, number] = [1, 1];
  const times: number[] = [];
  let rest = '';
  ffmpeg.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const base = /^#tb 0: (\d+)\/(\d+)/.exec(line);
      if (base) timeBase = [Number(base[1]), Number(base[2])];
      else if (!line.startsWith('#')) times.push(Number(line.split(',')[2]));
    }
  });
  await ffmpeg.done;
  const pts = Float64Array.from(times).sort();
  return { packets: pts.length, timeBase, pts };
}
