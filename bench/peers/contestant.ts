import type { Subject } from '../prepare.ts';
import type { Command } from './run-command.ts';

/** One render: the first frames of a look, to an MP4. */
export interface Task {
  readonly subject: Subject;
  readonly frames: number;
  readonly concurrency: number;
  readonly output: string;
  /** An empty folder for what goes with it; nothing of another task is in it. */
  readonly folder: string;
}

/** One that renders. */
export interface Contestant {
  readonly name: string;
  readonly version: string;
  /** How its settings differ from x264 veryfast crf 20, and what it was given. */
  readonly note: string;
  /** Whether it can do more than one thing at a time. */
  readonly parallel: boolean;
  framesOf(subject: Subject): number;
  /** What is outside of its time is done here. */
  command(task: Task): Promise<Command>;
}

/** What peers share, so that they are measured with the same browser and encoder. */
export interface Tools {
  /** Starts the kit's Chromium with its libraries and fonts. */
  readonly browser: string;
  readonly ffmpeg: string;
  readonly ffprobe: string;
}

/** One that comes from the npm registry. */
export interface Peer {
  readonly name: string;
  /** Exact versions, the peer's own first. */
  readonly packages: Readonly<Record<string, string>>;
  /** @param folder of its own, where its packages are installed */
  open(folder: string, tools: Tools, subjects: readonly Subject[]): Promise<Contestant>;
}

export const peerFile = (name: string): URL => new URL(name, import.meta.url);
