/** Where things lie in a store. */
export const keys = {
  segmentVideo: (segmentKey: string, extension: string): string => `segments/${segmentKey}.${extension}`,
  segmentRecord: (segmentKey: string): string => `segments/${segmentKey}.json`,
  job: (id: string): string => `renders/${id}/job.json`,
  plan: (id: string): string => `renders/${id}/plan.json`,
  audio: (id: string, extension: string): string => `renders/${id}/audio.${extension}`,
  progressOf: (id: string): string => `renders/${id}/progress/`,
  result: (id: string): string => `renders/${id}/result.json`,
  error: (id: string): string => `renders/${id}/error.json`,
  output: (id: string, extension: string): string => `renders/${id}/output.${extension}`,
} as const;
