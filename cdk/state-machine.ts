import { ArnFormat, type Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { IEventBus } from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { acknowledgeWildcards } from './acknowledge.ts';
import { mapLabel, mapRunsPrefix } from './farm-keys.ts';
import { type FunctionName, functionNames } from './function-sizes.ts';
import { renderDefinition } from './render-definition.ts';
import type { StoreLocation } from './store-location.ts';

export interface RenderStateMachineProps {
  readonly farm: string;
  readonly functions: Readonly<Record<FunctionName, IFunction>>;
  readonly store: StoreLocation;
  readonly eventBus: IEventBus;
  /** Of a whole execution. */
  readonly timeout: Duration;
  readonly logRetention: logs.RetentionDays;
}

/** The state machine that renders, with its role and its log group. */
export class RenderStateMachine extends Construct {
  readonly stateMachine: sfn.StateMachine;
  readonly role: iam.Role;
  readonly logGroup: logs.LogGroup;
  /** Lets the role start and follow the children of a Distributed Map. */
  readonly mapRuns: iam.Policy;

  constructor(scope: Construct, id: string, props: RenderStateMachineProps) {
    super(scope, id);
    const { farm, functions, store, eventBus } = props;
    const stack = Stack.of(this);
    // Below any other name each group takes room in the one policy by which services may write to logs.
    this.logGroup = new logs.LogGroup(this, 'Logs', {
      logGroupName: `/aws/vendedlogs/states/helios-infra-${farm}`,
      retention: props.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('states.amazonaws.com'),
      description: `Runs the renders of the Helios farm ${farm}`,
    });
    for (const statement of this.#statements(props)) this.role.addToPolicy(statement);
    const arns = Object.fromEntries(functionNames.map((name) => [name, functions[name].functionArn]));
    const definition = renderDefinition({
      farm,
      functions: arns as Record<FunctionName, string>,
      bucket: store.bucket.bucketName,
      prefix: store.prefix,
      eventBus: eventBus.eventBusName,
      timeoutSeconds: props.timeout.toSeconds(),
      partition: stack.partition,
    });
    this.stateMachine = new sfn.StateMachine(this, 'StateMachine', {
      definitionBody: sfn.DefinitionBody.fromString(stack.toJsonString(definition)),
      stateMachineType: sfn.StateMachineType.STANDARD,
      role: this.role,
      logs: { destination: this.logGroup, level: sfn.LogLevel.ALL, includeExecutionData: false },
      tracingEnabled: true,
    });
    acknowledgeWildcards(this.role, {
      ReadItems: 'The list of segments is named by the render; the role names its place.',
      WriteMapRuns: 'Map runs are named by Step Functions; the role names their prefix.',
      'logs:CreateLogDelivery': 'Log deliveries know no narrower resource.',
      'xray:PutTraceSegments': 'X-Ray knows no narrower resource.',
    });
    this.mapRuns = this.#mapRuns();
    acknowledgeWildcards(this.mapRuns, {
      FollowChildren: 'Child executions are named by Step Functions; only this state machine’s are meant.',
    });
  }

  #statements({ functions, store, eventBus }: RenderStateMachineProps): iam.PolicyStatement[] {
    return [
      new iam.PolicyStatement({
        sid: 'Invoke',
        actions: ['lambda:InvokeFunction'],
        resources: functionNames.map((name) => functions[name].functionArn),
      }),
      new iam.PolicyStatement({
        sid: 'Announce',
        actions: ['events:PutEvents'],
        resources: [eventBus.eventBusArn],
      }),
      new iam.PolicyStatement({
        sid: 'ReadItems',
        actions: ['s3:GetObject'],
        resources: store.arns(['renders/*/segments.json']),
      }),
      new iam.PolicyStatement({
        sid: 'WriteMapRuns',
        actions: ['s3:PutObject', 's3:GetObject', 's3:ListMultipartUploadParts', 's3:AbortMultipartUpload'],
        resources: store.arns([`${mapRunsPrefix}/*`]),
      }),
      ...store.encryptionStatements(),
    ];
  }

  /** A policy of its own: it names the state machine, which waits for its role's other policy. */
  #mapRuns(): iam.Policy {
    const { stateMachineArn, stateMachineName } = this.stateMachine;
    const executions = [':*', `/${mapLabel}:*`].map((names) =>
      Stack.of(this).formatArn({
        service: 'states',
        resource: 'execution',
        resourceName: `${stateMachineName}${names}`,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      }),
    );
    return new iam.Policy(this, 'MapRuns', {
      roles: [this.role],
      statements: [
        new iam.PolicyStatement({
          sid: 'StartChildren',
          actions: ['states:StartExecution'],
          resources: [stateMachineArn],
        }),
        new iam.PolicyStatement({
          sid: 'FollowChildren',
          actions: ['states:DescribeExecution', 'states:StopExecution'],
          resources: executions,
        }),
      ],
    });
  }
}
