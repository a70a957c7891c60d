import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { Tracer } from '@aws-lambda-powertools/tracer';
import type { Context } from 'aws-lambda';
import type { HandlerContext } from '../src/orchestrator/handler-context.ts';
import type { Handlers } from '../src/orchestrator/handlers.ts';
import { sharedHandlers } from './shared-handlers.ts';

export type Measures = Readonly<
  Record<string, readonly [value: number, unit: 'Bytes' | 'Count' | 'Milliseconds']>
>;

interface EntryOptions<T> {
  /** What is counted of an answer, by the metric's name. */
  readonly measure?: (answer: T) => Measures;
  /** Milliseconds that a call may take; `TimeUsed` is the percentage of them that it took. @default not told */
  readonly allowedMs?: (event: unknown, remainingMs: number) => number;
}

/** The render that an event belongs to. */
function renderId(event: unknown): string | undefined {
  const { id, jobId, job } = (event ?? {}) as { id?: string; jobId?: string; job?: { id?: string } };
  return id ?? jobId ?? job?.id;
}

/** A function of the farm: runs a handler, and logs and measures how that went. */
export function entry<T>(
  service: string,
  run: (handlers: Handlers, event: unknown, context: HandlerContext) => Promise<T>,
  { measure, allowedMs }: EntryOptions<T> = {},
): (event: unknown, context: Context) => Promise<T> {
  const logger = new Logger({ serviceName: service });
  const { HELIOS_FARM: farm = 'default' } = process.env;
  const metrics = new Metrics({
    namespace: 'HeliosInfra',
    serviceName: service,
    defaultDimensions: { farm },
  });
  const tracer = new Tracer({ serviceName: service, captureHTTPsRequests: false });
  return async (event, context) => {
    logger.addContext(context);
    const render = renderId(event);
    logger.appendKeys({ render });
    // Lambda's own segment takes no annotation.
    const traced = tracer.getSegment()?.addNewSubsegment(`## ${service}`);
    if (render) traced?.addAnnotation('render', render);
    metrics.captureColdStartMetric();
    const since = performance.now();
    const remainingMs = context.getRemainingTimeInMillis();
    try {
      const answer = await run(sharedHandlers(), event, {
        remainingMs,
        log: { group: context.logGroupName, stream: context.logStreamName, requestId: context.awsRequestId },
      });
      const ms = performance.now() - since;
      metrics.addMetric('Duration', MetricUnit.Milliseconds, ms);
      for (const [name, [value, unit]] of Object.entries(measure?.(answer) ?? {}))
        metrics.addMetric(name, MetricUnit[unit], value);
      logger.info('done', { ms: Math.round(ms), answer });
      return answer;
    } catch (error) {
      metrics.addMetric('Failure', MetricUnit.Count, 1);
      traced?.addError(error as Error);
      logger.error('failed', { error: error as Error, event });
      throw error;
    } finally {
      traced?.close();
      if (allowedMs) {
        const used = (performance.now() - since) / allowedMs(event, remainingMs);
        metrics.addMetric('TimeUsed', MetricUnit.Percent, 100 * used);
      }
      metrics.publishStoredMetrics();
      logger.resetKeys();
    }
  };
}
