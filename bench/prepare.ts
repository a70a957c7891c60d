import { fileURLToPath } from 'node:url';
import { createBundle } from '../src/storage/bundle.ts';
import type { ObjectStore } from '../src/storage/object-store.ts';
import type { ResolvedComposition } from '../src/types/composition.ts';

/** A composition that is measured, and how much of it. */
export interface Subject {
  readonly name: string;
  /** Its name and its length. */
  readonly title: string;
  readonly folder: string;
  readonly frames: number;
  readonly naiveFrames: number;
}

const FPS = 30;

const subject = (name: string, folder: string, frames: number, naiveFrames: number): Subject => ({
  name,
  title: `${name}, ${frames / FPS} s`,
  folder: fileURLToPath(new URL(folder, import.meta.url)),
  frames,
  naiveFrames,
});

/**
 * The four looks, all 1920×1080 at 30 frames a second.
 * @param quick fewer frames
 * @param asked frames of each; the naive loop takes fewer
 */
export function subjects(quick: boolean, asked?: number): Subject[] {
  const frames = asked ?? (quick ? 60 : 150);
  const naive = Math.min(frames, quick ? 12 : 30);
  return [
    subject('DOM', 'compositions/dom', frames, naive),
    subject('canvas', 'compositions/canvas', frames, naive),
    subject('WebGL', 'compositions/webgl', frames, naive),
    subject('static', '../test/fixtures/static-slides', asked ?? 300, Math.min(frames, naive * 2)),
  ];
}

export async function compositionOf(
  { folder, frames }: Subject,
  store: ObjectStore,
): Promise<ResolvedComposition> {
  const { digest, entry } = await createBundle(store, folder);
  return {
    ref: { kind: 'bundle', digest, entry },
    kind: 'page',
    width: 1920,
    height: 1080,
    fps: FPS,
    durationInFrames: Math.max(300, frames),
    inputProps: {},
  };
}
