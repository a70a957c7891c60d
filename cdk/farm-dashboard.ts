import { ArnFormat, type Duration, Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { type FunctionName, functionNames } from './function-sizes.ts';
import { renderMetric } from './render-metric.ts';

export interface FarmDashboardProps {
  readonly farm: string;
  readonly stateMachine: StateMachine;
  readonly functions: Readonly<Record<FunctionName, IFunction>>;
  /** Of the render function. */
  readonly renderTimeout: Duration;
  readonly alarms: readonly cloudwatch.Alarm[];
}

/** A farm at a glance: alarms, renders, segments, and what each function takes. */
export class FarmDashboard extends Construct {
  readonly dashboard: cloudwatch.Dashboard;

  constructor(scope: Construct, id: string, props: FarmDashboardProps) {
    super(scope, id);
    const { farm, stateMachine, functions, alarms } = props;
    const { render } = functions;
    const sum = { statistic: cloudwatch.Stats.SUM };
    const graph = (
      title: string,
      left: cloudwatch.IMetric[],
      more: Partial<cloudwatch.GraphWidgetProps> = {},
    ) => new cloudwatch.GraphWidget({ title, left, width: 12, height: 6, ...more });
    const told = (metricName: string, statistic: string, label: string) =>
      renderMetric(farm, metricName, { statistic, label });
    const of = (metric: (fn: IFunction) => cloudwatch.Metric) =>
      functionNames.map((name) => metric(functions[name]).with({ label: name }));
    this.dashboard = new cloudwatch.Dashboard(this, 'Dashboard', {
      // Names are shared by all regions of an account.
      dashboardName: `helios-infra-${farm}-${Stack.of(this).region}`,
      widgets: [
        [
          new cloudwatch.AlarmStatusWidget({
            title: `Farm ${farm}`,
            alarms: alarms.map((alarm) => this.#byName(alarm)),
            width: 24,
            height: 2,
          }),
        ],
        [
          graph('Renders', [
            stateMachine.metricStarted(sum),
            stateMachine.metricSucceeded(sum),
            stateMachine.metricFailed(sum),
            stateMachine.metricTimedOut(sum),
            stateMachine.metricAborted(sum),
          ]),
          graph('Time of a render', [
            stateMachine.metricTime({ statistic: cloudwatch.Stats.p(50), label: 'median' }),
            stateMachine.metricTime({ statistic: cloudwatch.Stats.MAXIMUM, label: 'longest' }),
          ]),
        ],
        [
          graph('Segments at work', [render.metric('ConcurrentExecutions', { statistic: 'Maximum' })], {
            right: [render.metricInvocations(sum)],
          }),
          graph(
            'Time of a segment',
            [
              render.metricDuration({ statistic: cloudwatch.Stats.p(50), label: 'median' }),
              render.metricDuration({ statistic: cloudwatch.Stats.p(95), label: '95 of 100' }),
              render.metricDuration({ statistic: cloudwatch.Stats.MAXIMUM, label: 'longest' }),
            ],
            {
              leftAnnotations: [{ label: 'timeout', value: props.renderTimeout.toMilliseconds() }],
              right: [told('TimeUsed', 'Maximum', 'most of its time, %')],
            },
          ),
        ],
        [
          graph('Frames', [told('Frames', 'Sum', 'rendered'), told('CachedFrames', 'Sum', 'found')]),
          graph('Time of a frame', [
            told('FrameTime', cloudwatch.Stats.p(50), 'median'),
            told('FrameTime', cloudwatch.Stats.p(95), '95 of 100'),
          ]),
        ],
        [
          graph(
            'Errors',
            of((fn) => fn.metricErrors(sum)),
          ),
          graph(
            'Throttles',
            of((fn) => fn.metricThrottles(sum)),
          ),
        ],
        [
          graph(
            'Longest invocation',
            of((fn) => fn.metricDuration({ statistic: 'Maximum' })),
            { width: 24 },
          ),
        ],
      ],
    });
  }

  /** The alarm with an ARN made of its name: the widget needs no attribute of the alarm then. */
  #byName(alarm: cloudwatch.Alarm): cloudwatch.IAlarm {
    const arn = Stack.of(this).formatArn({
      service: 'cloudwatch',
      resource: 'alarm',
      resourceName: alarm.alarmName,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    return cloudwatch.Alarm.fromAlarmArn(this, alarm.node.id, arn);
  }
}
