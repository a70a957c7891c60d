import { DeployError, HeliosError } from '../utils/errors.ts';
import { farmStackName } from '../utils/farm-stack-name.ts';
import { deleteBucket, deleteOwnBucket, emptyBucket, emptyStore } from './empty-bucket.ts';
import { farmParameter, farmStore, readParameter } from './farm.ts';
import type { StandingFarm } from './standing-farm.ts';
import { StepFunctions } from './step-functions.ts';

export interface TakeDownOptions {
  /** Deletes the outputs of a farm that was deployed to keep its bucket. */
  readonly deleteOutputs: boolean;
  readonly deleteStack: () => Promise<void>;
  /** Told before each step that a person should see. */
  readonly say: (text: string) => void;
}

export interface TakenDown {
  /** Objects that were deleted; `undefined` when all stay. */
  readonly objects: number | undefined;
  readonly bucketGone: boolean;
}

/**
 * Takes a farm down. Renders that run are stopped first. A bucket that goes with its stack is emptied before, for
 * CloudFormation deletes none that holds something; outputs of any other go when nothing writes them any more.
 * A function that is still at work may write after that: what it holds up is emptied and deleted once more.
 * @throws DeployError when the farm is still there afterwards; nothing is deleted after that
 */
export async function takeDown(farm: StandingFarm, options: TakeDownOptions): Promise<TakenDown> {
  const { deleteOutputs, deleteStack, say } = options;
  await stopRenders(farm, say);
  if (!farm.keepBucket) {
    say(`Deleting everything in s3://${farm.bucket}`);
    let objects = 0;
    await onceMore(DeployError, async () => {
      objects += (await emptyBucket(farm.bucket)) ?? 0;
      await deleteStack();
    });
    await assertGone(farm);
    await leaving(farm, () =>
      onceMore(HeliosError, async () => {
        const late = await emptyBucket(farm.bucket);
        if (late === undefined) return;
        objects += late;
        await deleteBucket(farm.bucket);
      }),
    );
    return { objects, bucketGone: true };
  }
  await deleteStack();
  await assertGone(farm);
  if (!deleteOutputs) return { objects: undefined, bucketGone: false };
  const store = farmStore(farm);
  say(`Deleting everything in ${store.url}`);
  let objects = 0;
  let bucketGone = false;
  await leaving(farm, () =>
    onceMore(HeliosError, async () => {
      objects += await emptyStore(store);
      bucketGone = await deleteOwnBucket(farm);
    }),
  );
  return { objects, bucketGone };
}

/** Once the stack is gone, the command finds the farm no more: what is left is for AWS's own. */
async function leaving({ name, bucket, prefix }: StandingFarm, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    if (!(cause instanceof HeliosError)) throw cause;
    const place = `s3://${bucket}${prefix && `/${prefix}`}`;
    const command = prefix ? `aws s3 rm --recursive ${place}` : `aws s3 rb --force ${place}`;
    throw new DeployError(
      `The farm ${name} is gone, and its bucket could not be emptied: ${cause.message} Delete what is left with: ${command}`,
      { cause, details: { farm: name, bucket } },
    );
  }
}

async function stopRenders({ stateMachineArn }: StandingFarm, say: (text: string) => void): Promise<void> {
  using machine = new StepFunctions(stateMachineArn);
  for (const name of await machine.running()) {
    say(`Stopping the render ${name}`);
    await machine.stop(name, 'its farm was taken down');
  }
}

async function onceMore(again: typeof HeliosError, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof again)) throw error;
    await work();
  }
}

/** The CDK ends well, too, for a stack that it does not find. */
async function assertGone({ name, region }: StandingFarm): Promise<void> {
  const parameter = farmParameter(name);
  const { text } = await readParameter(parameter);
  if (text === undefined) return;
  throw new DeployError(
    `The CDK ended well, and the farm ${name} is still in ${region}: its SSM parameter ${parameter} is there. Look at the stack ${farmStackName(name)} in CloudFormation, and run destroy again.`,
    { details: { farm: name, parameter, region } },
  );
}
