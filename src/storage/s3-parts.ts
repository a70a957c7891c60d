import type { Section, StoredSpan } from './object-store.ts';

/** S3 takes no more parts of an object, and none but the last that is smaller than the least. */
export const MAX_PARTS = 10_000;
const MIN_PART_BYTES = 5 * 1024 ** 2;
const MAX_COPIED_BYTES = 1024 ** 3;

/** What a part is gathered from: a whole section, or a span of an object in the bucket. */
export type Piece = Section | StoredSpan;

/** A part of an upload: a copy that S3 makes by itself, or bytes that are sent. */
export type Part = { readonly copy: StoredSpan } | { readonly gather: readonly Piece[] };

/**
 * Divides an object into parts, such that as much as can be is copied. What is too small for a part of its own is
 * gathered with what is beside it; a copy then begins a little later.
 */
export function planParts(sections: readonly Section[]): Part[] {
  const total = sections.reduce((bytes, { length }) => bytes + length, 0);
  const minBytes = Math.max(MIN_PART_BYTES, Math.ceil(total / MAX_PARTS));
  const parts: Part[] = [];
  let [gathered, gatheredBytes]: [Piece[], number] = [[], 0];
  const flush = (): void => {
    if (gathered.length > 0) parts.push({ gather: gathered });
    [gathered, gatheredBytes] = [[], 0];
  };
  const gather = (piece: Piece, bytes: number): void => {
    if (bytes === 0) return;
    gathered.push(piece);
    gatheredBytes += bytes;
    if (gatheredBytes >= minBytes) flush();
  };
  const copy = (span: StoredSpan): void => {
    for (let { start } = span; start < span.end; ) {
      const rest = span.end - start;
      const end = rest > MAX_COPIED_BYTES + minBytes ? start + MAX_COPIED_BYTES : span.end;
      parts.push({ copy: { ...span, start, end } });
      start = end;
    }
  };
  for (const section of sections) {
    if (!section.stored) gather(section, section.length);
    for (const span of section.stored ?? []) {
      const missing = gatheredBytes === 0 ? 0 : Math.max(0, minBytes - gatheredBytes);
      const split = span.start + missing;
      if (span.end - split < minBytes) {
        gather(span, span.end - span.start);
        continue;
      }
      if (missing > 0) gather({ ...span, end: split }, missing);
      flush();
      copy({ ...span, start: split });
    }
  }
  flush();
  return parts;
}
