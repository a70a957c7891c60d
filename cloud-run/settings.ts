import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { idSchema } from '../src/types/render-job.ts';
import { ValidationError } from '../src/utils/errors.ts';

const list = z
  .string()
  .transform((text) => text.split(',').map((part) => part.trim()))
  .pipe(z.array(z.string().min(1)).min(1));

const settingsSchema = z
  .object({
    /** 0 takes a free one. @default 8080 */
    PORT: z.coerce.number().int().min(0).max(65_535).default(8080),
    /** Address to listen at. @default every one, as Cloud Run asks for */
    HOST: z.string().min(1).default('0.0.0.0'),
    /** Requests at work at the same time. @default half the cores, at least 1 */
    HELIOS_CONCURRENCY: z.coerce.number().int().min(1).optional(),
    /** Bytes of a request's body at the most. @default 6291456, as on Lambda */
    HELIOS_MAX_BODY_BYTES: z.coerce
      .number()
      .int()
      .min(1)
      .default(6 * 1024 ** 2),
    /** Seconds that Cloud Run gives a request: `timeoutSeconds` of service.yaml. @default 900 */
    HELIOS_TIMEOUT_SECONDS: z.coerce.number().positive().max(3600).default(900),
    /** Seconds that requests at work have after SIGTERM; Cloud Run ends the instance after 10. @default 7 */
    HELIOS_GRACE_SECONDS: z.coerce.number().min(0).default(7),
    /** Audiences, one of which a request's ID token must have. @default tokens are left to IAM */
    HELIOS_AUDIENCE: list.optional(),
    /** Accounts, by e-mail address, whose tokens are taken. @default those that IAM lets in */
    HELIOS_CALLERS: list.optional(),
    /** Where the keys are that tokens are signed with, as PEM by key id. @default Google's */
    HELIOS_CERTIFICATES_URL: z.url().optional(),
    /** Segments of one render at work at the same time, at the most. @default no bound */
    HELIOS_MAX_PARALLEL: z.coerce.number().int().min(1).optional(),
  })
  .transform((env) => ({
    port: env.PORT,
    host: env.HOST,
    concurrency: env.HELIOS_CONCURRENCY ?? Math.max(1, Math.floor(availableParallelism() / 2)),
    maxBodyBytes: env.HELIOS_MAX_BODY_BYTES,
    timeoutSeconds: env.HELIOS_TIMEOUT_SECONDS,
    graceMs: env.HELIOS_GRACE_SECONDS * 1000,
    audience: env.HELIOS_AUDIENCE,
    callers: env.HELIOS_CALLERS,
    certificatesUrl: env.HELIOS_CERTIFICATES_URL,
    maxParallel: env.HELIOS_MAX_PARALLEL,
  }));
export type Settings = z.output<typeof settingsSchema>;

const jobSettingsSchema = z
  .object({
    /** Id of a render, whose job.json lies in the store. */
    HELIOS_RENDER: idSchema,
    /** Address of the service that renders the frames. */
    HELIOS_SERVICE_URL: z.url(),
    /** Audience of the ID tokens. @default the address */
    HELIOS_AUDIENCE: z.string().optional(),
    /** Frame jobs at work at the same time, at the most. @default 100 */
    HELIOS_MAX_PARALLEL: z.coerce.number().int().min(1).optional(),
    /** Seconds that a frame job has. @default 900 */
    HELIOS_TIMEOUT_SECONDS: z.coerce.number().positive().max(3600).optional(),
    /** Set by Cloud Run. */
    CLOUD_RUN_EXECUTION: z.string().default('local'),
  })
  .transform((env) => ({
    id: env.HELIOS_RENDER,
    url: env.HELIOS_SERVICE_URL,
    audience: env.HELIOS_AUDIENCE,
    concurrency: env.HELIOS_MAX_PARALLEL,
    timeoutSeconds: env.HELIOS_TIMEOUT_SECONDS,
    execution: env.CLOUD_RUN_EXECUTION,
  }));

/** What the environment says of an instance. @throws ValidationError that names each variable */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  return parseEnv(settingsSchema, env);
}

/** What the environment says of a job. @throws ValidationError that names each variable */
export function readJobSettings(env: NodeJS.ProcessEnv): z.output<typeof jobSettingsSchema> {
  return parseEnv(jobSettingsSchema, env);
}

function parseEnv<S extends z.ZodType>(schema: S, env: NodeJS.ProcessEnv): z.output<S> {
  const set = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const parsed = schema.safeParse(set);
  if (parsed.success) return parsed.data;
  throw ValidationError.fromZod('environment', parsed.error);
}
