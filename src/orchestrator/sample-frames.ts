import type { Plan } from '../types/plan.ts';

/** A frame of a render, and where its record is. */
export interface Sample {
  /** In the composition's frames. */
  readonly frame: number;
  /** Index of its segment. */
  readonly segment: number;
  /** Its place among the frames of the segment. */
  readonly place: number;
}

/** So many whole numbers below `length`, evenly spread. @param from where in its part each lies, 0 to 1 */
function spread(length: number, count: number, from: number): number[] {
  return Array.from({ length: count }, (_, part) => Math.floor(((part + from) * length) / count));
}

/**
 * Frames of a plan to look at, in ascending order: up to half of them are first frames of segments that follow
 * another, the others lie evenly over the video.
 * @param count how many; all, when there are fewer
 */
export function sampleFrames({ frameJobs, frames, encoding }: Plan, count: number): Sample[] {
  const step = encoding.everyNthFrame;
  const start = frameJobs[0]?.range[0] as number;
  const placeOf = (frame: number): number => (frame - start) / step;
  const seams = frameJobs.slice(1).map(({ range }) => placeOf(range[0]));
  const wanted = Math.min(count, frames);
  const chosen = new Set(
    spread(seams.length, Math.min(seams.length, Math.ceil(wanted / 2)), 0.5).map((at) => seams[at] as number),
  );
  for (let place of spread(frames, wanted - chosen.size, 0)) {
    while (chosen.has(place)) place = (place + 1) % frames;
    chosen.add(place);
  }
  const samples: Sample[] = [];
  let segment = 0;
  for (const place of [...chosen].sort((a, b) => a - b)) {
    while (place >= (seams[segment] ?? Number.POSITIVE_INFINITY)) segment++;
    const first = segment === 0 ? 0 : (seams[segment - 1] as number);
    samples.push({ frame: start + place * step, segment, place: place - first });
  }
  return samples;
}
