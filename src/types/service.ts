import { z } from 'zod';

/** The work that a service does, each at `POST /<route>` with the event of the handler of that name. */
export const serviceRoutes = ['plan', 'render', 'audio', 'stitch'] as const;
export type ServiceRoute = (typeof serviceRoutes)[number];

/** Headers between a service and who calls it. */
export const serviceHeaders = {
  /** In each answer: version of the package. */
  version: 'helios-version',
  /** In each answer: version of the worker. In a request: the one that its job was planned for. */
  workerVersion: 'helios-worker-version',
  /** In each answer: name of the instance, another one after each start. */
  instance: 'helios-instance',
  /** In a request: seconds after which its caller gives it up; it ends shortly before. */
  timeoutSeconds: 'helios-timeout-seconds',
} as const;

/** The body of an answer that tells of an error. */
export const serviceErrorSchema = z.object({
  name: z.string(),
  message: z.string(),
  retryable: z.boolean().default(false),
  details: z.record(z.string(), z.unknown()).default({}),
});
export type ServiceError = z.output<typeof serviceErrorSchema>;
