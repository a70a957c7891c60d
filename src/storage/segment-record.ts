import type { z } from 'zod';
import { sha256Schema } from '../types/composition.ts';
import { type SegmentRecord, segmentRecordSchema } from '../types/frame-job.ts';
import { canonicalJson, sha256 } from '../utils/digest.ts';
import { keys } from './keys.ts';
import { findJson, type ObjectStore, putJson } from './object-store.ts';

/** A record as it lies in the store, with the SHA-256 of all else in it. */
const sealedSchema = segmentRecordSchema.extend({ seal: sha256Schema });

const sealOf = (record: SegmentRecord): string => sha256(canonicalJson(record));

export async function writeSegmentRecord(store: ObjectStore, record: SegmentRecord): Promise<void> {
  const sealed: z.output<typeof sealedSchema> = { ...record, seal: sealOf(record) };
  await putJson(store, keys.segmentRecord(record.segmentKey), sealed);
}

/** What the store says of a segment; `undefined` when there is nothing, or it is damaged. */
export async function readSegmentRecord(
  store: ObjectStore,
  segmentKey: string,
): Promise<SegmentRecord | undefined> {
  const found = sealedSchema.safeParse(await findJson(store, keys.segmentRecord(segmentKey)));
  if (!found.success) return undefined;
  const { seal, ...record } = found.data;
  return record.segmentKey === segmentKey && seal === sealOf(record) ? record : undefined;
}
