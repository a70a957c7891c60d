import type { ObjectStore } from '../storage/object-store.ts';
import { pictureSize } from '../types/codecs.ts';
import type { FrameResult, KeptPicture } from '../types/frame-job.ts';
import type { Plan } from '../types/plan.ts';
import { LISTED_SEAMS, type Seam, type Seams } from '../types/seams.ts';
import { SeamMismatchError } from '../utils/errors.ts';
import { comparePictures, isRounding, readPicture } from './compare-pictures.ts';
import { refuse } from './fetch-segments.ts';

/** What is wrong with a seam, in words. */
function describe({ frame, segments, digests, pictures, levels, pixels }: Seam): string {
  const [before, after] = segments;
  const far = `they differ in ${pixels} pixels, by up to ${levels} levels`;
  return `Frame ${frame} looks otherwise as segment ${before} saw it (digest ${digests[0]}) than as segment ${after} did (${digests[1]}): ${far}. The store has ${pictures.join(' and ')}.`;
}

/** What a person is to know of seams that did not end the render. */
export function seamWarnings({ mismatched, mismatches }: Seams): string[] {
  const [first] = mismatches;
  if (!first) return [];
  const others = mismatched > 1 ? ` So do ${mismatched - 1} more seams.` : '';
  return [`${describe(first)}${others}`];
}

/** A frame that two segments saw. */
interface SharedFrame {
  readonly frame: number;
  readonly sides: readonly [KeptPicture, KeptPicture];
}

/**
 * The frame that two neighbours both saw: the second's first one, or, where the first did not look ahead, its last.
 * @param start of the second
 */
function sharedFrame(
  before: FrameResult,
  after: FrameResult,
  start: number,
  step: number,
): SharedFrame | undefined {
  if (before.nextPicture) return { frame: start, sides: [before.nextPicture, after.firstPicture] };
  if (!before.lastPicture || !after.previousPicture) return undefined;
  return { frame: start - step, sides: [before.lastPicture, after.previousPicture] };
}

export interface CheckSeamsOptions {
  readonly plan: Pick<Plan, 'frameJobs' | 'onSeamMismatch' | 'composition' | 'encoding'>;
  /** In the order of the frame jobs. */
  readonly results: readonly FrameResult[];
  readonly store: ObjectStore;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Compares, where two segments meet, a frame that both of them saw.
 * @throws SeamMismatchError at the first that differs by more than a rounding, unless the plan says `warn`;
 *   SegmentDamagedError when a picture that must be looked at is gone or damaged
 */
export async function checkSeams({ plan, results, store, signal }: CheckSeamsOptions): Promise<Seams> {
  const seams = { checked: 0, matched: 0, rounded: 0, mismatched: 0, unproved: 0 };
  const roundings: Seam[] = [];
  const mismatches: Seam[] = [];
  const lost = new Set<number>();
  for (const [index, after] of results.entries()) {
    const before = results[index - 1];
    if (!before) continue;
    const start = plan.frameJobs[index]?.range[0] as number;
    const shared = sharedFrame(before, after, start, plan.encoding.everyNthFrame);
    if (!shared) {
      seams.unproved++;
      continue;
    }
    const [first, second] = shared.sides;
    seams.checked++;
    // Pictures that were taken in two ways have digests of their own; what is kept of them has the same pixels.
    const isOneWay = before.captureMode === after.captureMode;
    if (isOneWay && first.digest === second.digest) {
      seams.matched++;
      continue;
    }
    const [one, other] = await Promise.all([readPicture(store, first), readPicture(store, second)]);
    if (!one) lost.add(index - 1);
    if (!other) lost.add(index);
    if (!one || !other) continue;
    const difference = await comparePictures(one, other, signal);
    if (!isOneWay && difference.pixels === 0) {
      seams.matched++;
      continue;
    }
    const seam: Seam = {
      frame: shared.frame,
      segments: [before.index, after.index],
      digests: [first.digest, second.digest],
      pictures: [first.key, second.key],
      ...difference,
    };
    if (isRounding(difference, pictureSize(plan))) {
      seams.rounded++;
      if (roundings.length < LISTED_SEAMS) roundings.push(seam);
      continue;
    }
    if (plan.onSeamMismatch === 'fail') {
      throw new SeamMismatchError(
        `${describe(seam)} A page whose frames depend on what it drew before needs seekMode "replay"; onSeamMismatch "warn" takes the video as it is.`,
        { details: seam },
      );
    }
    seams.mismatched++;
    if (mismatches.length < LISTED_SEAMS) mismatches.push(seam);
  }
  if (lost.size > 0) {
    const sound = results.map((_, place) => !lost.has(place));
    throw await refuse({ plan, results, store, signal }, sound);
  }
  return { ...seams, roundings, mismatches };
}
