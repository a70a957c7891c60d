import { CfnOutput, Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { type FarmContext, farmProps } from './context-props.ts';
import { RenderFarm } from './render-farm.ts';

export interface FarmStackProps extends StackProps {
  readonly context: FarmContext;
}

/** A stack that is one farm, as the CDK's context describes it. */
export class FarmStack extends Stack {
  readonly farm: RenderFarm;

  constructor(scope: Construct, id: string, { context, ...props }: FarmStackProps) {
    super(scope, id, props);
    this.farm = new RenderFarm(this, 'Farm', farmProps(this, context));
    const { bucket, storeUrl, keepBucket, stateMachine, parameter, dashboard } = this.farm;
    new CfnOutput(this, 'BucketName', { value: bucket.bucketName });
    new CfnOutput(this, 'StoreUrl', { value: storeUrl });
    new CfnOutput(this, 'KeepBucket', { value: String(keepBucket) });
    new CfnOutput(this, 'StateMachineArn', { value: stateMachine.stateMachineArn });
    new CfnOutput(this, 'ParameterName', { value: parameter.parameterName });
    new CfnOutput(this, 'DashboardName', { value: dashboard.dashboard.dashboardName });
  }
}
