/** Where things lie in a store. */
export const keys = {
  segmentsOf: (content: string): string => `segments/${content}/`,
  segmentVideo: (segmentKey: string, extension: string): string => `segments/${segmentKey}.${extension}`,
  segmentRecord: (segmentKey: string): string => `segments/${segmentKey}.json`,
  segmentPicture: (segmentKey: string, which: 'first' | 'next', extension: string): string =>
    `segments/${segmentKey}.${which}.${extension}`,
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
