/** The pictures that are kept beside a segment: of its first and last frame, and of those around them. */
export const segmentPictures = ['previous', 'first', 'last', 'next'] as const;
export type SegmentPicture = (typeof segmentPictures)[number];

const shortened = (sha256: string): string => sha256.slice(0, 16);

const SEGMENT_NAME = new RegExp(
  `^((\\d+)-(\\d+)(?:_([\\w-]+))?)(?:\\.(${segmentPictures.join('|')}))?(?:\\.[0-9a-f]{16})?\\.(\\w+)$`,
);

/** What the name of a segment's object says, without the content before it. */
export interface SegmentName {
  /** Of all objects of the segment. */
  readonly segment: string;
  readonly range: readonly [number, number];
  /** The job that it belongs to alone. */
  readonly owner: string | undefined;
  readonly part: SegmentPicture | 'record' | 'video';
}

/** @returns `undefined` for what is no object of a segment */
export function parseSegmentName(name: string): SegmentName | undefined {
  const [, segment, start, end, owner, picture, extension] = SEGMENT_NAME.exec(name) ?? [];
  if (segment === undefined) return undefined;
  const part = (picture as SegmentPicture | undefined) ?? (extension === 'json' ? 'record' : 'video');
  return { segment, range: [Number(start), Number(end)], owner, part };
}

/** Where things lie in a store. */
export const keys = {
  segmentsOf: (content: string): string => `segments/${content}/`,
  segmentRecord: (segmentKey: string): string => `segments/${segmentKey}.json`,
  /** Named by its bytes as well: workers that write one segment at the same time keep their records true. */
  segmentVideo: (segmentKey: string, sha256: string, extension: string): string =>
    `segments/${segmentKey}.${shortened(sha256)}.${extension}`,
  segmentPicture: (segmentKey: string, which: SegmentPicture, sha256: string): string =>
    `segments/${segmentKey}.${which}.${shortened(sha256)}.png`,
  job: (id: string): string => `renders/${id}/job.json`,
  plan: (id: string): string => `renders/${id}/plan.json`,
  segmentList: (id: string): string => `renders/${id}/segments.json`,
  progress: (id: string, index: number): string => `renders/${id}/progress/${index}.json`,
  segmentStart: (id: string, index: number, attempt: number): string =>
    `renders/${id}/progress/${index}-${attempt}.started`,
  segmentError: (id: string, index: number): string => `renders/${id}/progress/${index}.error.json`,
  /** What a function knew of its own failure. */
  stepError: (id: string, step: 'plan' | 'audio' | 'stitch'): string =>
    `renders/${id}/progress/${step}.error.json`,
  audio: (id: string, extension: string): string => `renders/${id}/audio.${extension}`,
  progressOf: (id: string): string => `renders/${id}/progress/`,
  progressOfRun: (id: string): string => `renders/${id}/progress.json`,
  execution: (id: string): string => `renders/${id}/execution.json`,
  result: (id: string): string => `renders/${id}/result.json`,
  error: (id: string): string => `renders/${id}/error.json`,
  output: (id: string, extension: string): string => `renders/${id}/output.${extension}`,
} as const;
