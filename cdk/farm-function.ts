import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import type * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { acknowledgeWildcards } from './acknowledge.ts';
import type { FunctionSize } from './function-sizes.ts';

/** Where a farm's functions stand in a network. */
export interface FarmNetwork {
  /** Must reach S3, Lambda and, for compositions on the web, the web. */
  readonly vpc: ec2.IVpc;
  /** @default the VPC's private subnets with egress */
  readonly vpcSubnets?: ec2.SubnetSelection;
  /** @default a security group of each function's own that allows all outbound traffic */
  readonly securityGroups?: ec2.ISecurityGroup[];
}

export interface FarmFunctionProps {
  /** Folder with `index.mjs`, whose `handler` is called. */
  readonly code: string;
  readonly description: string;
  readonly size: FunctionSize;
  readonly layers: readonly lambda.ILayerVersion[];
  readonly environment: Readonly<Record<string, string>>;
  /** What it may do beside writing its logs and traces. */
  readonly statements: readonly iam.PolicyStatement[];
  readonly logRetention: RetentionDays;
  readonly network?: FarmNetwork | undefined;
  readonly reservedConcurrency?: number | undefined;
}

/** One function of the farm with its role and its log group. */
export class FarmFunction extends Construct {
  readonly function: lambda.Function;
  readonly role: iam.Role;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, props: FarmFunctionProps) {
    super(scope, id);
    const { size, network } = props;
    this.logGroup = new LogGroup(this, 'Logs', {
      retention: props.logRetention,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
      description: props.description,
    });
    const logs = new iam.PolicyStatement({
      sid: 'Logs',
      actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
      resources: [this.logGroup.logGroupArn],
    });
    for (const statement of [...props.statements, logs, ...(network ? [networkInterfaces()] : [])])
      this.role.addToPolicy(statement);
    acknowledgeWildcards(this.role, {
      Read: 'Objects are named by content or by render; the role names their prefixes.',
      Write: 'Objects are named by content or by render; the role names their prefixes.',
      Network: 'Network interfaces are named by Lambda when it makes them.',
      ReadQuota: 'GetAccountSettings knows no narrower resource.',
      'xray:PutTraceSegments': 'X-Ray knows no narrower resource.',
    });
    this.function = new lambda.Function(this, 'Function', {
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.X86_64,
      code: lambda.Code.fromAsset(props.code),
      handler: 'index.handler',
      description: props.description,
      memorySize: size.memory,
      timeout: Duration.seconds(size.timeout),
      ephemeralStorageSize: Size.mebibytes(size.ephemeralStorage),
      layers: [...props.layers],
      environment: { ...props.environment },
      role: this.role,
      logGroup: this.logGroup,
      tracing: lambda.Tracing.ACTIVE,
      ...network,
      ...(props.reservedConcurrency === undefined
        ? {}
        : { reservedConcurrentExecutions: props.reservedConcurrency }),
    });
  }
}

/** What the managed policy AWSLambdaVPCAccessExecutionRole holds beside logs. */
function networkInterfaces(): iam.PolicyStatement {
  return new iam.PolicyStatement({
    sid: 'Network',
    actions: [
      'ec2:CreateNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSubnets',
      'ec2:DeleteNetworkInterface',
      'ec2:AssignPrivateIpAddresses',
      'ec2:UnassignPrivateIpAddresses',
    ],
    resources: ['*'],
  });
}
