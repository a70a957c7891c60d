import { type Fps, toRational } from '../types/fps.ts';
import { StitchError } from '../utils/errors.ts';
import { readPacketTimes } from '../utils/packet-times.ts';

export interface OutputExpectation {
  readonly frames: number;
  readonly fps: Fps;
  /** Whether the container's clock can hold every frame's time exactly (MP4, MOV); else it may be off by a tick. */
  readonly exact: boolean;
}

/**
 * Checks a joined video: the number of its frames, and that each follows the last by one frame's time.
 * @throws StitchError
 */
export async function checkOutput(
  file: string,
  { frames, fps, exact }: OutputExpectation,
  signal?: AbortSignal,
): Promise<void> {
  const { packets, pts, timeBase } = await readPacketTimes(
    ['-protocol_whitelist', 'file', '-i', file],
    signal,
  );
  if (packets !== frames) {
    throw new StitchError(`The joined video has ${packets} frames and should have ${frames}.`, {
      details: { expected: frames, found: packets },
    });
  }
  const { num, den } = toRational(fps);
  const ticksAFrame = (den * timeBase[1]) / (num * timeBase[0]);
  const slack = exact ? 1e-6 : 1;
  const first = pts[0] ?? 0;
  for (let frame = 0; frame < packets; frame++) {
    const off = (pts[frame] as number) - first - frame * ticksAFrame;
    if (Math.abs(off) <= slack) continue;
    throw new StitchError(
      `Frame ${frame} of the joined video is off its time by ${off} ticks of ${timeBase.join('/')} s.`,
      {
        details: { frame, off, timeBase },
      },
    );
  }
}
