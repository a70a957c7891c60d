import { z } from 'zod';
import { ValidationError } from '../utils/errors.ts';

/** The most memory that Cloud Run gives to so many cores, in GiB. */
const MOST_MEMORY = { 1: 4, 2: 8, 4: 16, 6: 24, 8: 32 } as const;
const cores = [1, 2, 4, 6, 8] as const;
/** GiB that the browser which plans, and FFmpeg, need beside what lies in /tmp. */
const BESIDE_TEMP = 2;

/** What the job that drives renders has; memory in GiB. */
export interface JobSize {
  /** Cores. @default 2, or what the memory needs */
  readonly cpu?: number | undefined;
  /** @default 8 */
  readonly memory?: number | undefined;
  /** How much of the memory /tmp may take: it holds the segments and the output. @default the memory less 3 */
  readonly temp?: number | undefined;
}

const sizeSchema = z
  .object({
    memory: z.int().min(4).max(32),
    cpu: z.literal(cores, 'must be 1, 2, 4, 6 or 8'),
    temp: z.int().min(1),
  })
  .superRefine(({ memory, cpu, temp }, context) => {
    const most = MOST_MEMORY[cpu];
    const fault = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message });
    if (memory > most) fault('memory', `${cpu} cores have ${most} GiB at the most`);
    if (temp > memory - BESIDE_TEMP)
      fault('temp', `must leave ${BESIDE_TEMP} GiB of the memory (${memory} GiB) to browser and encoder`);
  });

/** The size with its defaults, as job.yaml takes it. @throws ValidationError */
export function jobSizeValues(size: JobSize): Record<'JOB_CPU' | 'JOB_MEMORY' | 'JOB_TEMP', string> {
  const { memory = 8 } = size;
  const { cpu = cores.find((count) => count >= 2 && memory <= MOST_MEMORY[count]) ?? 8, temp = memory - 3 } =
    size;
  const parsed = sizeSchema.safeParse({ memory, cpu, temp });
  if (!parsed.success) throw ValidationError.fromZod('size of the job (--job-…)', parsed.error);
  return { JOB_CPU: String(cpu), JOB_MEMORY: `${memory}Gi`, JOB_TEMP: `${temp}Gi` };
}
