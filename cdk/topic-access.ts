import { ArnFormat, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { IConstruct } from 'constructs';

/**
 * Lets the alarms of a scope's account publish to a topic, and CloudWatch and EventBridge use the topic's key.
 * A topic that is not made by the app keeps its policy; rules let EventBridge publish by themselves.
 */
export function letAlarmsPublish(scope: IConstruct, topic: ITopic): void {
  const stack = Stack.of(scope);
  const cloudwatch = new iam.ServicePrincipal('cloudwatch.amazonaws.com');
  const alarms = stack.formatArn({
    service: 'cloudwatch',
    resource: 'alarm',
    resourceName: '*',
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
  topic.addToResourcePolicy(
    new iam.PolicyStatement({
      principals: [cloudwatch],
      actions: ['sns:Publish'],
      resources: [topic.topicArn],
      conditions: {
        StringEquals: { 'aws:SourceAccount': stack.account },
        ArnLike: { 'aws:SourceArn': alarms },
      },
    }),
  );
  // EventBridge tells a key no source account.
  topic.masterKey?.addToResourcePolicy(
    new iam.PolicyStatement({
      principals: [cloudwatch, new iam.ServicePrincipal('events.amazonaws.com')],
      actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
      resources: ['*'],
    }),
  );
}
