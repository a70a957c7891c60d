import type { Farm } from '../types/farm.ts';
import { DeployError, FarmNotFoundError } from '../utils/errors.ts';
import { farmStackName } from '../utils/farm-stack-name.ts';
import { farmParameter, findFarm } from './farm.ts';
import { type FoundStack, findStack } from './stacks.ts';

/** What must be known of a farm to take it down. */
export type StandingFarm = Pick<Farm, 'name' | 'bucket' | 'prefix' | 'stateMachineArn' | 'keepBucket'> & {
  readonly region: string;
};

/**
 * Finds a farm that `helios-infra deploy` made: by its parameter, or by its stack when an earlier try to take it
 * down left only that. Touches nothing.
 * @throws FarmNotFoundError when there is neither; DeployError when the farm is part of another stack, or its
 * stack is gone; RegionError, CredentialsError, AccessDeniedError
 */
export async function findStandingFarm(name: string): Promise<StandingFarm> {
  const stackName = farmStackName(name);
  const farm = await findFarm(name, { anyVersion: true }).catch((error: unknown) => {
    if (error instanceof FarmNotFoundError) return error;
    throw error;
  });
  if (farm instanceof FarmNotFoundError) {
    const { region, stack } = await findStack(stackName);
    const left = stack && fromOutputs(name, stack, region);
    if (left) return left;
    throw farm;
  }
  if ((farm.stack ?? stackName) !== stackName) throw foreignStack(farm);
  const { region, stack } = await findStack(stackName);
  if (!stack) {
    throw new DeployError(
      `The farm ${name} says that the stack ${stackName} made it, and there is no such stack in ${region}. Nothing was deleted. If the farm is gone, delete the SSM parameter ${farmParameter(name)}.`,
      { details: { farm: name, stack: stackName, region } },
    );
  }
  // An app of somebody's own may have named its stack like that.
  if (!fromOutputs(name, stack, region)) throw foreignStack(farm);
  return { ...farm, region };
}

function foreignStack({ name, stack }: Farm): DeployError {
  return new DeployError(
    `The farm ${name} was not deployed by helios-infra deploy, but by an app of its own, as part of the stack ${stack}. Nothing was deleted. Take the farm out of that app, and deploy the app.`,
    { details: { farm: name, stack } },
  );
}

/** `undefined` when it is no stack of the package's app. */
function fromOutputs(name: string, { outputs }: FoundStack, region: string): StandingFarm | undefined {
  const { ParameterName, BucketName, StoreUrl, StateMachineArn, KeepBucket } = outputs;
  if (ParameterName !== farmParameter(name) || !BucketName || !StoreUrl || !StateMachineArn) return undefined;
  return {
    name,
    bucket: BucketName,
    prefix: StoreUrl.slice(`s3://${BucketName}/`.length),
    stateMachineArn: StateMachineArn,
    keepBucket: KeepBucket !== 'false',
    region,
  };
}
