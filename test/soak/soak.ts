import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { seededRandom } from '../../bench/simulate/random.ts';
import { keys } from '../../src/storage/keys.ts';
import { sha256File } from '../../src/utils/digest.ts';
import { startChildRender } from '../helpers/child-render.ts';
import { until } from '../helpers/processes.ts';
import { soakJob, writeComposition } from './composition.ts';
import { forget, openPlace, type Place, type PlaceName } from './place.ts';
import { type Aim, shoot, takeAim } from './shoot.ts';
import { ProcessWatch, type Target } from './targets.ts';

export interface SoakOptions {
  /** Processes to kill. */
  readonly kills: number;
  readonly seed: number;
  readonly places: readonly PlaceName[];
  /** The cache folder with the unpacked browser. @default one of its own */
  readonly cache?: string;
  readonly log?: (line: string) => void;
}

export interface Kill {
  readonly place: PlaceName;
  readonly target: Target;
  /** What the render said it was at. */
  readonly phase: string;
  /** The render that was shot at ended well, or one after it did. */
  healed: 'by itself' | 'by running again';
}

export interface SoakReport {
  readonly kills: Kill[];
  /** Renders that ran to their end with the right bytes. */
  cycles: number;
  runs: number;
  /** Names of the errors that shot renders ended with, and how many did. */
  readonly errors: Map<string, number>;
  /** Outputs with other bytes, renders that failed without a cause or did not end. */
  readonly wrong: string[];
  /** Processes, folders, half outputs and locks that were left. */
  readonly leftovers: string[];
}

const RUN_MS = 180_000;
const MAX_RUNS = 8;

interface Scene {
  readonly folder: string;
  readonly composition: string;
  readonly outputs: string;
  readonly temporary: string;
  readonly cache: string;
}

interface RunEnd {
  readonly status: number | null;
  readonly kills: Kill[];
  /** Its name. */
  readonly error: string;
  readonly message: string;
  readonly ms: number;
}

/** Renders over and over, kills what works on it at random moments, and looks at what becomes of it. */
export async function soak(options: SoakOptions): Promise<SoakReport> {
  const folder = await mkdtemp(path.join(tmpdir(), 'helios-soak-'));
  const scene: Scene = {
    folder,
    composition: path.join(folder, 'composition'),
    outputs: path.join(folder, 'out'),
    temporary: path.join(folder, 'tmp'),
    cache: options.cache ?? path.join(folder, 'cache'),
  };
  const places: Place[] = [];
  try {
    await mkdir(scene.temporary);
    await mkdir(scene.outputs);
    await writeComposition(scene.composition);
    for (const name of options.places) places.push(await openPlace(name, folder));
    return await new Soak(scene, options).run(places);
  } finally {
    for (const place of places) await place[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }
}

class Soak {
  readonly #scene: Scene;
  readonly #options: SoakOptions;
  readonly #random: () => number;
  /** Milliseconds of an undisturbed render; the machine is not always as fast. */
  #usual = 0;
  readonly #report: SoakReport = {
    kills: [],
    cycles: 0,
    runs: 0,
    errors: new Map(),
    wrong: [],
    leftovers: [],
  };

  constructor(scene: Scene, options: SoakOptions) {
    this.#scene = scene;
    this.#options = options;
    this.#random = seededRandom(options.seed);
  }

  async run(places: readonly Place[]): Promise<SoakReport> {
    const { kills } = this.#options;
    const output = path.join(this.#scene.outputs, 'video.mp4');
    const expected: string[] = [];
    for (const place of [places[0] as Place, ...places]) {
      await forget(place, ['']);
      const { status, error, ms } = await this.#render(place, output, []);
      if (status !== 0) throw new Error(`An undisturbed render failed: ${error}`);
      expected.push(await sha256File(output));
      this.#usual = ms;
    }
    const [bytes = ''] = expected;
    if (expected.some((other) => other !== bytes))
      throw new Error(`Undisturbed renders differ: ${expected.join(', ')}`);
    const kitFolder = path.join(this.#scene.cache, 'helios-infra/kit');
    const kit = await readdir(kitFolder);
    for (let cycle = 0; this.#report.kills.length < kills; cycle++) {
      const place = places[cycle % places.length] as Place;
      const before = this.#report.kills.length;
      await this.#cycle(`${cycle} ${place.name}`, place, output, bytes);
      for (const name of await readdir(kitFolder))
        if (!kit.includes(name)) this.#report.leftovers.push(`${cycle}: ${name} in the kit`);
      if (this.#report.kills.length === before && cycle > kills * 10)
        throw new Error('Nothing can be hit any more.');
    }
    return this.#report;
  }

  /** Renders until it goes well. */
  async #cycle(name: string, place: Place, output: string, expected: string): Promise<void> {
    const report = this.#report;
    const { log = () => {}, kills } = this.#options;
    const what = this.#random();
    await forget(place, what < 0.1 ? [''] : what < 0.5 ? ['segments/', 'probes/'] : ['segments/']);
    await rm(output, { force: true });
    let shot: Kill[] = [];
    for (let run = 1; ; run++) {
      const wanted = run > MAX_RUNS ? 0 : 1 + Math.floor(this.#random() * 3);
      const count = Math.min(wanted, kills - report.kills.length);
      const aims = Array.from({ length: count }, () => takeAim(this.#random, this.#usual * 0.9));
      const end = await this.#render(place, output, aims);
      shot = [...shot, ...end.kills];
      const story = end.kills.map(({ target, phase }) => `${target} in ${phase}`).join(', ') || 'nothing';
      log(
        `${name}.${run}: shot ${story}; ${end.status === 0 ? 'ended well' : `${end.error} ${end.message}`} after ${end.ms} ms` +
          ` (${report.kills.length} kills)`,
      );
      for (const kill of end.kills) kill.healed = end.status === 0 ? 'by itself' : 'by running again';
      if (end.kills.length === 0 && end.status === 0) this.#usual = end.ms;
      if (end.status === 0) break;
      if (end.kills.length === 0) report.wrong.push(`${name}.${run} failed unshot: ${end.error}`);
      else report.errors.set(end.error, (report.errors.get(end.error) ?? 0) + 1);
      if (run > MAX_RUNS) return;
    }
    const found = await sha256File(output);
    if (found === expected) report.cycles++;
    else report.wrong.push(`${name}: ${found} instead of ${expected}`);
    const left = [
      ...(await readdir(this.#scene.temporary)),
      ...(await readdir(this.#scene.outputs)).filter((file) => file !== path.basename(output)),
      ...(await place.strays()),
      ...((await place.store.head(keys.error('soak'))) ? [keys.error('soak')] : []),
    ];
    report.leftovers.push(...left.map((file) => `${name}: ${file}`));
    for (const file of left)
      await rm(path.join(this.#scene.temporary, file), { recursive: true, force: true });
  }

  async #render(place: Place, output: string, aims: readonly Aim[]): Promise<RunEnd> {
    const report = this.#report;
    report.runs++;
    const since = performance.now();
    let phase = 'start';
    const { child, pid, ended } = startChildRender(
      place.store.url,
      soakJob(this.#scene.composition, output),
      {
        env: { TMPDIR: this.#scene.temporary, XDG_CACHE_HOME: this.#scene.cache },
        concurrency: 2,
        onProgress: (progress) => {
          phase = progress.phase;
        },
      },
    );
    const watch = new ProcessWatch(pid);
    const over = new AbortController();
    const overdue = setTimeout(() => {
      report.wrong.push(`a render did not end in ${RUN_MS} ms`);
      child.kill('SIGKILL');
    }, RUN_MS);
    const range = {
      find: (target: Target) => watch.find(target),
      get over() {
        return child.exitCode !== null || child.signalCode !== null;
      },
    };
    const kills: Kill[] = [];
    const shooting = aims.map(async (aim) => {
      if (!(await shoot(aim, range, this.#random))) return;
      kills.push({ place: place.name, target: aim.target, phase, healed: 'by running again' });
    });
    const following = watch.follow(over.signal);
    const { status, signal, error, stderr } = await ended;
    clearTimeout(overdue);
    over.abort();
    await Promise.all([...shooting, following]);
    report.kills.push(...kills);
    await until(
      'the end of all processes',
      async () => ((await watch.left()).length === 0 ? true : undefined),
      10_000,
    ).catch(async () => {
      for (const { pid: id, command } of await watch.left())
        report.leftovers.push(`process ${id} of ${pid}: ${command.slice(0, 120)}`);
    });
    if (stderr) report.wrong.push(`the render wrote to stderr: ${stderr.slice(0, 1000)}`);
    return {
      status,
      kills,
      error: error ? error.name : (signal ?? `status ${status}`),
      message: error?.message ?? '',
      ms: Math.round(performance.now() - since),
    };
  }
}
