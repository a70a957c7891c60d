import type { ObjectStore } from '../storage/object-store.ts';
import { pictureSize } from '../types/codecs.ts';
import type { FrameResult } from '../types/frame-job.ts';
import type { Plan } from '../types/plan.ts';
import { screenshotOf } from '../types/screenshot.ts';
import { LISTED_SEAMS, type Seam, type Seams } from '../types/seams.ts';
import { SeamMismatchError } from '../utils/errors.ts';
import { comparePictures, isRounding, NO_PICTURE, readPicture } from './compare-pictures.ts';

/** What is wrong with a seam, in words. */
function describe({ frame, segments, digests, pictures, levels, pixels }: Seam): string {
  const [before, after] = segments;
  const far =
    levels === null
      ? 'one of the pictures is lost'
      : `they differ in ${pixels} pixels, by up to ${levels} levels`;
  return `Frame ${frame} looks otherwise at the end of segment ${before} (SHA-256 ${digests[0]}) than at the start of segment ${after} (${digests[1]}): ${far}. The store has ${pictures.join(' and ')}.`;
}

/** What a person is to know of seams that did not end the render. */
export function seamWarnings({ mismatched, mismatches }: Seams): string[] {
  const [first] = mismatches;
  if (!first) return [];
  const others = mismatched > 1 ? ` So do ${mismatched - 1} more seams.` : '';
  return [`${describe(first)}${others}`];
}

export interface CheckSeamsOptions {
  readonly plan: Pick<Plan, 'frameJobs' | 'onSeamMismatch' | 'composition' | 'encoding'>;
  /** In the order of the frame jobs. */
  readonly results: readonly FrameResult[];
  readonly store: ObjectStore;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Compares, where two segments meet, the first frame of the second as each of them saw it.
 * @throws SeamMismatchError at the first that differs by more than a rounding, unless the plan says `warn`
 */
export async function checkSeams({ plan, results, store, signal }: CheckSeamsOptions): Promise<Seams> {
  const seams = { checked: 0, matched: 0, rounded: 0, mismatched: 0, unproved: 0 };
  const roundings: Seam[] = [];
  const mismatches: Seam[] = [];
  for (const [index, after] of results.entries()) {
    const before = results[index - 1];
    if (!before) continue;
    const sides = [before.nextPicture, after.firstPicture] as const;
    const [ahead, own] = sides;
    if (!ahead) {
      seams.unproved++;
      continue;
    }
    seams.checked++;
    if (ahead.sha256 === own.sha256) {
      seams.matched++;
      continue;
    }
    const [one, other] = await Promise.all([readPicture(store, ahead), readPicture(store, own)]);
    const difference =
      one && other ? await comparePictures(one, other, pictureSize(plan).width, signal) : NO_PICTURE;
    const seam: Seam = {
      frame: plan.frameJobs[index]?.range[0] as number,
      segments: [before.index, after.index],
      digests: [ahead.sha256, own.sha256],
      pictures: [ahead.key, own.key],
      ...difference,
    };
    if (isRounding(difference, screenshotOf(plan.encoding))) {
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
  return { ...seams, roundings, mismatches };
}
