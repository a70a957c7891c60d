import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  type S3Client,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { throwIfAborted } from '../utils/abort.ts';
import { runLimited } from '../utils/run-limited.ts';
import type { Section, StoredSpan } from './object-store.ts';
import { readSection } from './read-sections.ts';
import type { Part, Piece } from './s3-parts.ts';

/** On their way at the same time. */
const MAX_PARTS_AT_ONCE = 3;
/** Sections of a part that are read at the same time. */
const LANES = 4;

export interface ComposeParts {
  readonly client: S3Client;
  readonly input: CreateMultipartUploadCommandInput;
  readonly parts: readonly Part[];
  readonly read: (span: StoredSpan) => AsyncIterable<Uint8Array>;
  readonly signal: AbortSignal | undefined;
}

/** The bytes of sections, one after the other. */
async function gather(sections: readonly Section[]): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(sections.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  await runLimited(sections, LANES, undefined, async (section) => {
    let at = end;
    end += section.length;
    for await (const chunk of readSection(section)) {
      bytes.set(chunk, at);
      at += chunk.length;
    }
  });
  return bytes;
}

/** The address of an object as a source of a copy. */
export function copySource(bucket: string | undefined, key: string): string {
  return `${bucket}/${key}`.split('/').map(encodeURIComponent).join('/');
}

/** Uploads an object in parts; when one fails, nothing of it stays. */
export async function composeParts({ client, input, parts, read, signal }: ComposeParts): Promise<void> {
  const { Bucket, Key } = input;
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({ ...input, ChecksumAlgorithm: 'CRC32' }),
  );
  const upload = { Bucket, Key, UploadId };
  const asked = signal ? { abortSignal: signal } : {};
  const sectionOf = (piece: Piece): Section =>
    'open' in piece ? piece : { length: piece.end - piece.start, open: () => read(piece) };
  const send = async (part: Part, PartNumber: number): Promise<CompletedPart> => {
    if ('gather' in part) {
      const Body = await gather(part.gather.map(sectionOf));
      const { ETag, ChecksumCRC32 } = await client.send(
        new UploadPartCommand({ ...upload, PartNumber, Body }),
        asked,
      );
      return { PartNumber, ETag, ChecksumCRC32 };
    }
    const { key, start, end, version } = part.copy;
    const { CopyPartResult } = await client.send(
      new UploadPartCopyCommand({
        ...upload,
        PartNumber,
        CopySource: copySource(Bucket, key),
        CopySourceRange: `bytes=${start}-${end - 1}`,
        CopySourceIfMatch: version,
      }),
      asked,
    );
    return { PartNumber, ETag: CopyPartResult?.ETag, ChecksumCRC32: CopyPartResult?.ChecksumCRC32 };
  };
  try {
    const numbered = parts.map((part, at) => ({ part, PartNumber: at + 1 }));
    const Parts = await runLimited(numbered, MAX_PARTS_AT_ONCE, signal, ({ part, PartNumber }) =>
      send(part, PartNumber),
    );
    throwIfAborted(signal);
    await client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }));
  } catch (error) {
    await client.send(new AbortMultipartUploadCommand(upload)).catch(() => {});
    throwIfAborted(signal);
    throw error;
  }
}
