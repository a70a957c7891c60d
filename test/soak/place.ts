import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { LocalStore } from '../../src/storage/local-store.ts';
import type { ObjectStore } from '../../src/storage/object-store.ts';
import { S3Store } from '../../src/storage/s3-store.ts';
import { TestS3 } from '../helpers/test-s3.ts';

export type PlaceName = 'local' | 's3';

/** A store in which renders are shot at. */
export interface Place extends AsyncDisposable {
  readonly name: PlaceName;
  readonly store: ObjectStore;
  /** What was begun and is no object. */
  strays(): Promise<string[]>;
}

export async function openPlace(name: PlaceName, folder: string): Promise<Place> {
  if (name === 's3') {
    const s3 = await TestS3.open('renders');
    return {
      name,
      store: new S3Store('s3://renders/soak'),
      strays: async () => [],
      [Symbol.asyncDispose]: () => s3[Symbol.asyncDispose](),
    };
  }
  const store = new LocalStore(path.join(folder, 'store'));
  return {
    name,
    store,
    strays: () => readdir(path.join(store.url, '.partial')),
    [Symbol.asyncDispose]: () => rm(store.url, { recursive: true, force: true }),
  };
}

/** Deletes what lies below the prefixes. */
export async function forget({ store }: Place, prefixes: readonly string[]): Promise<void> {
  for (const prefix of prefixes) {
    for await (const { key } of store.list(prefix)) await store.delete(key);
  }
}
