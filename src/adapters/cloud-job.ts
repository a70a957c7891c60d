import path from 'node:path';
import type { RenderJob } from '../types/render-job.ts';

/**
 * A job as it goes to the cloud: without the paths of this machine, so that it is the same job wherever it is
 * started from. What they end in still tells the kind of output.
 */
export function cloudJob(job: RenderJob): RenderJob {
  const extension = path.extname(job.outputPath);
  const { source } = job.composition;
  const isAddress = /^https?:\/\//i.test(source);
  return {
    ...job,
    outputPath: `output${extension}`,
    composition: { ...job.composition, source: isAddress ? source : path.basename(path.resolve(source)) },
  };
}
