import { randomUUID } from 'node:crypto';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { HandlerContext } from '../src/orchestrator/handler-context.ts';
import { type ServiceRoute, serviceHeaders, serviceRoutes } from '../src/types/service.ts';
import { AbortedError, ValidationError, VersionMismatchError } from '../src/utils/errors.ts';
import { packageVersion } from '../src/utils/package-version.ts';
import { errorBody, retryAfter, statusOf } from './error-answer.ts';
import { log } from './log.ts';
import type { TokenCheck } from './verify-token.ts';
import type { WorkSlots } from './work-slots.ts';

/** What answers the events of each route. */
export type RouteHandlers = Readonly<
  Record<ServiceRoute, (event: unknown, context: HandlerContext) => Promise<unknown>>
>;

export interface AppOptions {
  readonly handlers: RouteHandlers;
  readonly slots: WorkSlots;
  /** Settles once the kit is there. */
  readonly workerVersion: () => Promise<string>;
  readonly maxBodyBytes: number;
  /** Seconds that a request has at the most. */
  readonly timeoutSeconds: number;
  /** @default tokens are not looked at */
  readonly checkToken?: TokenCheck | undefined;
}

/** The service: `POST /plan`, `/render`, `/audio` and `/stitch`, and `GET /health` and `/readiness`. */
export function createApp(options: AppOptions): Hono {
  const { handlers, slots, workerVersion, maxBodyBytes, timeoutSeconds, checkToken } = options;
  const instance = randomUUID();
  const version = packageVersion();
  let ready: string | undefined;
  const app = new Hono();

  app.use(async (c, next) => {
    c.header(serviceHeaders.version, version);
    c.header(serviceHeaders.instance, instance);
    await next();
    if (ready !== undefined) c.header(serviceHeaders.workerVersion, ready);
  });
  app.onError((error, c) => answerError(c, error));
  app.notFound((c) =>
    c.json(errorBody(new ValidationError(`There is no ${c.req.method} ${c.req.path} here.`)), 404),
  );

  app.get('/health', (c) => c.json({ status: 'ok', instance, version }));
  app.get('/readiness', async (c) => {
    ready ??= await workerVersion();
    const { draining, capacity, inFlight } = slots;
    const told = { status: draining ? 'ending' : 'ready', instance, version, workerVersion: ready };
    return c.json({ ...told, capacity, inFlight }, draining ? 503 : 200);
  });

  for (const route of serviceRoutes) {
    app.post(
      `/${route}`,
      async (c, next) => {
        await checkToken?.(c.req.header('authorization'));
        await next();
      },
      bodyLimit({
        maxSize: maxBodyBytes,
        onError: (c) =>
          c.json(errorBody(new ValidationError(`The body is larger than ${maxBodyBytes} bytes.`)), 413),
      }),
      async (c) => {
        ready ??= await workerVersion();
        checkVersion(c.req.header(serviceHeaders.workerVersion), ready);
        const event = await readEvent(c);
        const asked = Number(c.req.header(serviceHeaders.timeoutSeconds)) || timeoutSeconds;
        const remainingMs = Math.min(asked, timeoutSeconds) * 1000;
        const since = performance.now();
        const answer = await slots.run((stop) => {
          const signal = AbortSignal.any([stop, c.req.raw.signal]);
          return handlers[route](event, { signal, remainingMs });
        });
        log('INFO', `${route} done`, { route, ms: Math.round(performance.now() - since), ...namesOf(event) });
        return c.json(answer as object);
      },
    );
  }
  return app;
}

function answerError(c: Context, error: unknown): Response {
  const status = statusOf(error);
  const body = errorBody(error);
  const expected = status < 500 || error instanceof AbortedError;
  log(expected ? 'WARNING' : 'ERROR', `${c.req.path} failed: ${body.message}`, {
    error: body,
    stack: status === 500 ? (error as Error).stack : undefined,
  });
  const wait = retryAfter(error);
  if (wait !== undefined) c.header('retry-after', wait);
  if (status === 401) c.header('www-authenticate', 'Bearer');
  return c.json(body, status as ContentfulStatusCode);
}

/** @throws VersionMismatchError */
function checkVersion(planned: string | undefined, own: string): void {
  if (planned === undefined || planned === own) return;
  throw new VersionMismatchError(
    `The job was planned for worker ${planned}, and this service is ${own}. Deploy the same version.`,
    { details: { planned, worker: own } },
  );
}

async function readEvent(c: Context): Promise<unknown> {
  try {
    return await c.req.json();
  } catch (cause) {
    if (c.req.raw.signal.aborted) throw new AbortedError('The caller went away.', { cause });
    throw new ValidationError('The body is no JSON.', { cause });
  }
}

/** The render, and the segment, that an event belongs to. */
function namesOf(event: unknown): { readonly render?: unknown; readonly index?: unknown } {
  const { id, jobId, job, index } = (event ?? {}) as Record<string, unknown>;
  return { render: id ?? jobId ?? (job as { id?: unknown } | undefined)?.id, index };
}
