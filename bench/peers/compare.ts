import { mkdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { createWorkFolder } from '../../src/utils/work-folder.ts';
import type { Subject } from '../prepare.ts';
import type { Contestant, Peer, Tools } from './contestant.ts';
import { helios } from './helios/peer.ts';
import { hyperframes } from './hyperframes/peer.ts';
import { installPeer } from './install.ts';
import { naive } from './naive.ts';
import { ours } from './ours.ts';
import { countFrames, similarity, takeReference } from './quality.ts';
import { remotion } from './remotion/peer.ts';
import { type Comparison, describeMachine, describeRun, type Failed, type Row, toRow } from './result.ts';
import { type Cost, runCommand } from './run-command.ts';
import { makeTools } from './tools.ts';

const PEERS: readonly Peer[] = [remotion, hyperframes, helios];
const REFERENCE_FRAMES = 60;
/** Slower ones are held to be stuck. */
const FRAME_LIMIT_SECONDS = 5;
const START_LIMIT_SECONDS = 60;

export interface CompareOptions {
  readonly subjects: readonly Subject[];
  readonly concurrencies: readonly number[];
  readonly rounds: number;
  /** Told as soon as they are there. */
  readonly onRow: (row: Row) => void;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const medianBy = <T>(values: readonly T[], key: (value: T) => number): T =>
  values.toSorted((a, b) => key(a) - key(b))[(values.length - 1) >> 1] as T;

async function openPeers(tools: Tools, options: CompareOptions): Promise<(Contestant | Failed)[]> {
  const opened: (Contestant | Failed)[] = [];
  for (const peer of PEERS) {
    try {
      opened.push(await peer.open(await installPeer(peer), tools, options.subjects));
    } catch (error) {
      opened.push({ look: 'all', who: peer.name, failed: messageOf(error) });
    }
  }
  return opened;
}

/** Everybody's renders of one look, in turn. */
class Heat {
  readonly #subject: Subject;
  readonly #folder: string;
  readonly #failed = new Map<Contestant, string>();
  readonly #costs = new Map<Contestant, Map<number, Cost[]>>();

  constructor(subject: Subject, folder: string) {
    this.#subject = subject;
    this.#folder = folder;
  }

  async run(contestant: Contestant, concurrency: number): Promise<void> {
    if (this.#failed.has(contestant)) return;
    const frames = contestant.framesOf(this.#subject);
    const folder = path.join(this.#folder, 'task');
    const output = this.#outputOf(contestant, concurrency);
    try {
      await rm(folder, { recursive: true, force: true });
      await mkdir(folder);
      const task = { subject: this.#subject, frames, concurrency, output, folder };
      const limitSeconds = START_LIMIT_SECONDS + frames * FRAME_LIMIT_SECONDS;
      const cost = await runCommand({ ...(await contestant.command(task)), limitSeconds });
      const written = await countFrames(output);
      if (written !== frames) throw new Error(`wrote ${written} of ${frames} frames`);
      const costs = this.#costs.get(contestant) ?? new Map<number, Cost[]>();
      this.#costs.set(contestant, costs.set(concurrency, [...(costs.get(concurrency) ?? []), cost]));
    } catch (error) {
      this.#failed.set(contestant, messageOf(error));
    }
  }

  /** The median round of the concurrency that is the fastest. */
  async rowOf(contestant: Contestant): Promise<Row> {
    const named = { look: this.#subject.title, who: contestant.name };
    const failed = this.#failed.get(contestant);
    if (failed) return { ...named, failed };
    const wall = ({ wallSeconds }: Cost): number => wallSeconds;
    const medians = [...(this.#costs.get(contestant) ?? [])].map(([concurrency, costs]) => ({
      concurrency,
      ...medianBy(costs, wall),
    }));
    const best = medians.toSorted((a, b) => wall(a) - wall(b))[0] as (typeof medians)[number];
    const output = this.#outputOf(contestant, best.concurrency);
    const ssim = await similarity(output, this.#folder);
    const { size } = await stat(output);
    return toRow({ ...named, frames: contestant.framesOf(this.#subject), ssim, bytes: size, ...best });
  }

  #outputOf({ name }: Contestant, concurrency: number): string {
    return path.join(this.#folder, `${name.replaceAll(' ', '-')}-${concurrency}.mp4`);
  }
}

async function runHeat(subject: Subject, contestants: readonly Contestant[], options: CompareOptions) {
  await using folder = await createWorkFolder('peers');
  const heat = new Heat(subject, folder.path);
  for (let round = 0; round < options.rounds; round++)
    for (const concurrency of options.concurrencies)
      for (const contestant of contestants)
        if (contestant.parallel || concurrency === options.concurrencies[0])
          await heat.run(contestant, contestant.parallel ? concurrency : 1);
  await takeReference(subject, Math.min(REFERENCE_FRAMES, subject.frames), folder.path);
  const rows: Row[] = [];
  for (const contestant of contestants) {
    const row = await heat.rowOf(contestant);
    options.onRow(row);
    rows.push(row);
  }
  return rows;
}

/** Renders every look by everybody in turn, so that a machine that slows down does so for all. */
export async function comparePeers(options: CompareOptions): Promise<Comparison> {
  const machine = describeMachine();
  const peers = await openPeers(await makeTools(), options);
  const contestants = [ours, naive, ...peers.filter((peer) => 'command' in peer)];
  const rows: Row[] = peers.filter((peer) => 'failed' in peer);
  for (const row of rows) options.onRow(row);
  for (const subject of options.subjects) rows.push(...(await runHeat(subject, contestants, options)));
  return {
    date: new Date().toISOString().slice(0, 10),
    machine,
    ...(await describeRun(contestants)),
    rounds: options.rounds,
    rows,
  };
}
