import * as events from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';

export interface FailureNoticeProps {
  readonly farm: string;
  readonly stateMachine: StateMachine;
  readonly topic: ITopic;
}

/**
 * Tells a topic of each render that failed or timed out. It follows the status that Step Functions reports of
 * the execution, so it speaks of executions, too, that ended before they could send an event of their own.
 */
export class FailureNotice extends Construct {
  readonly rule: events.Rule;

  constructor(scope: Construct, id: string, { farm, stateMachine, topic }: FailureNoticeProps) {
    super(scope, id);
    const field = (name: string) => events.EventField.fromPath(`$.detail.${name}`);
    this.rule = new events.Rule(this, 'Rule', {
      description: `Renders of the Helios farm ${farm} that failed`,
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: { stateMachineArn: [stateMachine.stateMachineArn], status: ['FAILED', 'TIMED_OUT'] },
      },
      targets: [
        new SnsTopic(topic, {
          message: events.RuleTargetInput.fromText(
            `Render ${field('name')} of the Helios farm ${farm} ended ${field('status')}. ${field('cause')}`,
          ),
        }),
      ],
    });
  }
}
