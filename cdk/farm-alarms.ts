import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { renderMetric } from './render-metric.ts';
import { letAlarmsPublish } from './topic-access.ts';

export interface FarmAlarmsProps {
  readonly farm: string;
  readonly stateMachine: StateMachine;
  readonly render: IFunction;
  readonly failure: IFunction;
  /** Told of every alarm and of its end. @default nobody */
  readonly topic?: ITopic | undefined;
}

interface Limit {
  readonly threshold: number;
  /** Periods of 5 minutes in a row. @default 1 */
  readonly periods?: number;
}

const PERIOD = Duration.minutes(5);
/** Percent of the time that its plan allows a segment, after which somebody should know. */
const NEAR_TIMEOUT = 80;
/** Failed invocations in 5 minutes; single ones heal by being tried again. */
const RENDER_ERRORS = 10;

/** What somebody should look at. Nothing rings while nothing is rendered. */
export class FarmAlarms extends Construct {
  readonly executionsFailed: cloudwatch.Alarm;
  readonly executionsTimedOut: cloudwatch.Alarm;
  readonly renderErrors: cloudwatch.Alarm;
  readonly renderThrottles: cloudwatch.Alarm;
  readonly renderNearTimeout: cloudwatch.Alarm;
  readonly failureErrors: cloudwatch.Alarm;

  constructor(scope: Construct, id: string, props: FarmAlarmsProps) {
    super(scope, id);
    const { farm, stateMachine, render, failure, topic } = props;
    const sum = { period: PERIOD, statistic: cloudwatch.Stats.SUM };
    const alarm = (
      name: string,
      metric: cloudwatch.IMetric,
      what: string,
      { threshold, periods = 1 }: Limit,
    ) => {
      const made = new cloudwatch.Alarm(this, name, {
        metric,
        alarmDescription: `Helios farm ${farm}: ${what}`,
        threshold,
        evaluationPeriods: periods,
        comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
      });
      if (topic) {
        made.addAlarmAction(new SnsAction(topic));
        made.addOkAction(new SnsAction(topic));
      }
      return made;
    };
    if (topic) letAlarmsPublish(this, topic);
    this.executionsFailed = alarm(
      'ExecutionsFailed',
      stateMachine.metricFailed(sum),
      'a render failed; its error.json says why.',
      { threshold: 1 },
    );
    this.executionsTimedOut = alarm(
      'ExecutionsTimedOut',
      stateMachine.metricTimedOut(sum),
      'a render took longer than the state machine may run.',
      { threshold: 1 },
    );
    this.renderErrors = alarm(
      'RenderErrors',
      render.metricErrors(sum),
      'many segments fail and are tried again; see the logs of the render function.',
      { threshold: RENDER_ERRORS },
    );
    this.renderThrottles = alarm(
      'RenderThrottles',
      render.metricThrottles(sum),
      'renders wait for concurrency for a quarter of an hour; raise the quota or lower maxParallel.',
      { threshold: 1, periods: 3 },
    );
    this.renderNearTimeout = alarm(
      'RenderNearTimeout',
      renderMetric(farm, 'TimeUsed', { period: PERIOD, statistic: cloudwatch.Stats.MAXIMUM }),
      'a segment took most of the time that it may take; plan shorter segments.',
      { threshold: NEAR_TIMEOUT },
    );
    this.failureErrors = alarm(
      'FailureErrors',
      failure.metricErrors(sum),
      'the error of a failed render could not be written.',
      { threshold: 1 },
    );
  }

  get all(): cloudwatch.Alarm[] {
    return [
      this.executionsFailed,
      this.executionsTimedOut,
      this.renderErrors,
      this.renderThrottles,
      this.renderNearTimeout,
      this.failureErrors,
    ];
  }
}
