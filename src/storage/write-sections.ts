import { open } from 'node:fs/promises';
import { throwIfAborted } from '../utils/abort.ts';
import type { Section } from './object-store.ts';

/** Longer sections are read when it is their turn. */
const MAX_READ_AHEAD_BYTES = 16 * 1024 ** 2;
/** Sections that are read at the same time. */
const LANES = 4;

type Chunks = AsyncIterable<Uint8Array> | readonly Uint8Array[];

async function readAll(section: Section): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of section.open()) chunks.push(chunk);
  return chunks;
}

/** The bytes of sections in order; while one is written, short ones after it are read. */
async function* readAhead(sections: readonly Section[]): AsyncGenerator<Chunks> {
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
    yield first instanceof Promise ? await first : first.open();
  }
}

/** Writes sections one after the other into a file. */
export async function writeSections(
  file: string,
  sections: readonly Section[],
  signal: AbortSignal | undefined,
): Promise<void> {
  await using handle = await open(file, 'w');
  for await (const chunks of readAhead(sections)) {
    throwIfAborted(signal);
    for await (const chunk of chunks) await handle.writeFile(chunk);
  }
}
