import { open } from 'node:fs/promises';
import type { Section } from './object-store.ts';
import { readSections } from './read-sections.ts';

/** Writes sections one after the other into a file. @throws AbortedError */
export async function writeSections(
  file: string,
  sections: readonly Section[],
  signal: AbortSignal | undefined,
): Promise<void> {
  await using handle = await open(file, 'w');
  for await (const chunk of readSections(sections, signal)) await handle.writeFile(chunk);
}
