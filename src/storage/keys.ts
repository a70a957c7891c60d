/** The pictures that are kept beside a segment: of its first and last frame, and of those around them. */
export const segmentPictures = ['previous', 'first', 'last', 'next'] as const;
export type SegmentPicture = (typeof segmentPictures)[number];

/** Where things lie in a store. */
export const keys = {
  segmentsOf: (content: string): string => `segments/${content}/`,
  segmentVideo: (segmentKey: string, extension: string): string => `segments/${segmentKey}.${extension}`,
  segmentRecord: (segmentKey: string): string => `segments/${segmentKey}.json`,
  segmentPicture: (segmentKey: string, which: SegmentPicture, extension: string): string =>
    `segments/${segmentKey}.${which}.${extension}`,
  /** Says that a segment belongs to one job alone, which its record names. */
  segmentOwned: (segmentKey: string): string => `segments/${segmentKey}.owned`,
  job: (id: string): string => `renders/${id}/job.json`,
  plan: (id: string): string => `renders/${id}/plan.json`,
  segmentList: (id: string): string => `renders/${id}/segments.json`,
  progress: (id: string, index: number): string => `renders/${id}/progress/${index}.json`,
  segmentStart: (id: string, index: number, attempt: number): string =>
    `renders/${id}/progress/${index}-${attempt}.started`,
  segmentError: (id: string, index: number): string => `renders/${id}/progress/${index}.error.json`,
  audio: (id: string, extension: string): string => `renders/${id}/audio.${extension}`,
  progressOf: (id: string): string => `renders/${id}/progress/`,
  progressOfRun: (id: string): string => `renders/${id}/progress.json`,
  execution: (id: string): string => `renders/${id}/execution.json`,
  result: (id: string): string => `renders/${id}/result.json`,
  error: (id: string): string => `renders/${id}/error.json`,
  output: (id: string, extension: string): string => `renders/${id}/output.${extension}`,
} as const;
