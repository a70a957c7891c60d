import { throwIfAborted } from '../utils/abort.ts';
import { StorageError } from '../utils/errors.ts';
import type { Section } from './object-store.ts';

/** Longer sections are read when it is their turn. */
const MAX_READ_AHEAD_BYTES = 16 * 1024 ** 2;
/** Sections that are read at the same time. */
const LANES = 4;

/** The bytes of a section. @throws StorageError at their end when they are more or fewer than it says */
export async function* readSection(section: Section): AsyncGenerator<Uint8Array> {
  let length = 0;
  for await (const chunk of section.open()) {
    length += chunk.length;
    if (length > section.length) break;
    yield chunk;
  }
  if (length !== section.length)
    throw new StorageError(`A section came with ${length} bytes of ${section.length}.`);
}

async function readAll(section: Section): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readSection(section)) chunks.push(chunk);
  return chunks;
}

/** The bytes of sections in order; while one is taken, short ones after it are read. @throws AbortedError */
export async function* readSections(
  sections: readonly Section[],
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  const ahead: (Section | Promise<Uint8Array[]>)[] = [];
  for (let next = 0; ; ) {
    for (; next < sections.length && ahead.length < LANES; next++) {
      const section = sections[next] as Section;
      if (section.length > MAX_READ_AHEAD_BYTES) {
        ahead.push(section);
        continue;
      }
      const chunks = readAll(section);
      chunks.catch(() => {});
      ahead.push(chunks);
    }
    const first = ahead.shift();
    if (!first) return;
    for await (const chunk of first instanceof Promise ? await first : readSection(first)) {
      throwIfAborted(signal);
      yield chunk;
    }
  }
}
