import type { Farm } from '../types/farm.ts';
import { deleteOwnBucket, emptyBucket, emptyStore } from './empty-bucket.ts';
import { farmStore } from './farm.ts';

export interface TakeDownOptions {
  /** Deletes the outputs of a farm that was deployed to keep its bucket. */
  readonly deleteOutputs: boolean;
  readonly deleteStack: () => Promise<void>;
  readonly onEmpty: (place: string) => void;
}

export interface TakenDown {
  /** Objects that were deleted; `undefined` when all stay. */
  readonly objects: number | undefined;
  readonly bucketGone: boolean;
}

/**
 * Takes a farm down. A bucket that goes with its stack is emptied before, for CloudFormation deletes none that
 * holds something; outputs of any other go when nothing writes them any more.
 */
export async function takeDown(farm: Farm, options: TakeDownOptions): Promise<TakenDown> {
  const { deleteOutputs, deleteStack, onEmpty } = options;
  if (!farm.keepBucket) {
    onEmpty(`s3://${farm.bucket}`);
    const objects = await emptyBucket(farm.bucket);
    await deleteStack();
    return { objects, bucketGone: true };
  }
  await deleteStack();
  if (!deleteOutputs) return { objects: undefined, bucketGone: false };
  const store = farmStore(farm);
  onEmpty(store.url);
  const objects = await emptyStore(store);
  return { objects, bucketGone: await deleteOwnBucket(farm) };
}
