import { Duration, RemovalPolicy, Stack, Tags } from 'aws-cdk-lib';
import * as events from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import type { StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { ValidationError } from '../src/utils/errors.ts';
import { packageVersion } from '../src/utils/package-version.ts';
import { type AssetFolders, assetFolder, ownAssetFolders } from './asset-folders.ts';
import { type CheckedProps, checkProps } from './check-props.ts';
import { FarmAlarms } from './farm-alarms.ts';
import { FarmBucket } from './farm-bucket.ts';
import { FarmDashboard } from './farm-dashboard.ts';
import { FailureNotice } from './farm-events.ts';
import { FarmFunction } from './farm-function.ts';
import { keyAccess } from './farm-keys.ts';
import { FarmLayers } from './farm-layers.ts';
import { type FunctionName, functionNames, layersOf, STITCH_NODE_OPTIONS } from './function-sizes.ts';
import type { RenderFarmProps } from './render-farm-props.ts';
import { RenderStateMachine } from './state-machine.ts';
import { StoreLocation } from './store-location.ts';

/**
 * Everything that renders videos in an AWS account: bucket, functions, layers, state machine, logs, alarms,
 * dashboard, and the parameter by which the CLI finds it.
 * @throws ValidationError for props that make no sense; KitError when the functions or layers are not built
 */
export class RenderFarm extends Construct {
  readonly farmName: string;
  readonly bucket: IBucket;
  /** `s3://<bucket>/<prefix>` */
  readonly storeUrl: string;
  /** False when the bucket goes with the stack. */
  readonly keepBucket: boolean;
  readonly layers: FarmLayers;
  readonly functions: Readonly<Record<FunctionName, FarmFunction>>;
  readonly stateMachine: StateMachine;
  readonly machine: RenderStateMachine;
  readonly eventBus: events.IEventBus;
  readonly alarms: FarmAlarms;
  readonly dashboard: FarmDashboard;
  /** There when `notifications` is given. */
  readonly failureNotice: FailureNotice | undefined;
  /** `/helios-infra/<farm name>/farm` */
  readonly parameter: ssm.StringParameter;

  constructor(scope: Construct, id: string, props: RenderFarmProps = {}) {
    super(scope, id);
    const checked = checkProps(props);
    const { farmName, prefix, sizes } = checked;
    this.farmName = farmName;
    this.#assertOnlyOne();
    const {
      assets = ownAssetFolders(),
      logRetention = RetentionDays.ONE_MONTH,
      notifications: topic,
    } = props;

    this.bucket = props.bucket ?? new FarmBucket(this, 'Store', { ...props, prefix }).bucket;
    const store = new StoreLocation(this.bucket, prefix, props.encryptionKey ?? this.bucket.encryptionKey);
    this.storeUrl = store.url;
    this.keepBucket = props.bucket !== undefined || props.removalPolicy !== RemovalPolicy.DESTROY;
    this.layers = new FarmLayers(this, 'Layers', assets.layers);
    this.functions = this.#functions(props, checked, store, assets, logRetention);
    const { failure: recorder, ...steps } = this.functions;
    const logGroups = Object.entries(steps).map(([step, { logGroup }]) => [step, logGroup.logGroupName]);
    recorder.function.addEnvironment(
      'HELIOS_LOG_GROUPS',
      Stack.of(this).toJsonString(Object.fromEntries(logGroups)),
    );
    this.eventBus = props.eventBus ?? events.EventBus.fromEventBusName(this, 'DefaultBus', 'default');
    const functions = mapFunctions((name) => this.functions[name].function);
    this.machine = new RenderStateMachine(this, 'Machine', {
      farm: farmName,
      functions,
      store,
      eventBus: this.eventBus,
      timeout: props.timeout ?? Duration.hours(12),
      logRetention,
    });
    const { stateMachine } = this.machine;
    this.stateMachine = stateMachine;

    const { render, failure } = functions;
    const watched = { farm: farmName, stateMachine };
    this.alarms = new FarmAlarms(this, 'Alarms', { ...watched, render, failure, topic });
    this.dashboard = new FarmDashboard(this, 'Overview', {
      ...watched,
      functions,
      renderTimeout: Duration.seconds(sizes.render.timeout),
      alarms: this.alarms.all,
    });
    this.failureNotice =
      topic && new FailureNotice(this, 'FailureNotice', { farm: farmName, stateMachine, topic });
    this.parameter = this.#parameter(store, functions, checked.maxParallel);
    for (const [key, value] of Object.entries({ 'helios-infra:farm': farmName, ...props.tags }))
      Tags.of(this).add(key, value, { excludeResourceTypes: ['AWS::SSM::Parameter'] });
  }

  #functions(
    props: RenderFarmProps,
    { sizes, maxParallel, farmName }: CheckedProps,
    store: StoreLocation,
    assets: AssetFolders,
    logRetention: RetentionDays,
  ): Record<FunctionName, FarmFunction> {
    const { reservedConcurrency: reserved } = props;
    const reservation: Record<string, string> = reserved
      ? { HELIOS_RESERVED_CONCURRENCY: String(reserved) }
      : {};
    const readQuota = new iam.PolicyStatement({
      sid: 'ReadQuota',
      actions: ['lambda:GetAccountSettings'],
      resources: ['*'],
    });
    return mapFunctions(
      (name) =>
        new FarmFunction(this, name, {
          code: assetFolder(assets.functions, name, `The code of the ${name} function`),
          description: `Helios farm ${farmName}: ${name}`,
          size: sizes[name],
          layers: layersOf[name].map((layer) => this.layers[layer]),
          environment: {
            HELIOS_FARM: farmName,
            HELIOS_STORE: store.url,
            HELIOS_KIT: '/opt/helios',
            ...(name === 'plan' ? { HELIOS_MAX_PARALLEL: String(maxParallel), ...reservation } : {}),
            ...(name === 'stitch' ? { NODE_OPTIONS: STITCH_NODE_OPTIONS } : {}),
            ...(name === 'plan' || name === 'stitch' ? { HELIOS_SIZES: JSON.stringify(sizes) } : {}),
          },
          statements: [
            ...store.statements(keyAccess[name]),
            ...(name === 'plan' && !reserved ? [readQuota] : []),
          ],
          logRetention,
          network: props.network,
          reservedConcurrency: name === 'render' ? reserved : undefined,
        }),
    );
  }

  /** What the CLI reads; never more than 4 KB. */
  #parameter(
    store: StoreLocation,
    functions: Record<FunctionName, lambda.IFunction>,
    maxParallel: number,
  ): ssm.StringParameter {
    const key = store.encryptionKey?.keyArn;
    return new ssm.StringParameter(this, 'Parameter', {
      parameterName: `/helios-infra/${this.farmName}/farm`,
      description: `Where the Helios farm ${this.farmName} is`,
      stringValue: Stack.of(this).toJsonString({
        version: packageVersion(),
        region: Stack.of(this).region,
        stack: Stack.of(this).stackName,
        bucket: store.bucket.bucketName,
        prefix: store.folder,
        stateMachineArn: this.stateMachine.stateMachineArn,
        functions: mapFunctions((name) => functions[name].functionName),
        ...(key ? { kmsKeyArn: key } : {}),
        maxParallel,
        keepBucket: this.keepBucket,
        createdBy: '@helios-project/infrastructure',
      }),
    });
  }

  #assertOnlyOne(): void {
    const others = Stack.of(this).node.findAll();
    const twin = others.find(
      (node) => node instanceof RenderFarm && node !== this && node.farmName === this.farmName,
    );
    if (!twin) return;
    throw new ValidationError(
      `Two farms of the stack are named ${this.farmName}: ${twin.node.path} and ${this.node.path}. Give each a farmName.`,
      { details: { farmName: this.farmName } },
    );
  }
}

function mapFunctions<T>(make: (name: FunctionName) => T): Record<FunctionName, T> {
  return Object.fromEntries(functionNames.map((name) => [name, make(name)])) as Record<FunctionName, T>;
}
