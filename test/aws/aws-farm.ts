import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { findFarm } from '../../src/adapters/farm.ts';
import { FarmClient } from '../../src/adapters/farm-client.ts';
import { readPlan } from '../../src/orchestrator/plan-record.ts';
import { readSegmentRecord } from '../../src/storage/segment-record.ts';
import type { SegmentRecord } from '../../src/types/frame-job.ts';
import { Cli, type Ended } from '../cli/run-cli.ts';

/** Why there is no AWS to try against; `undefined` when there is. */
export const skipped: string | undefined =
  process.env.AWS_ENDPOINT_URL || process.env.HELIOS_TEST_AWS === '1'
    ? undefined
    : 'no AWS: set AWS_ENDPOINT_URL to an endpoint to try against, or HELIOS_TEST_AWS=1 to use the account of your credentials (it costs some cents)';

/** A farm of a test's own, driven by the command. */
export class AwsFarm implements AsyncDisposable {
  readonly name = `test-${randomBytes(4).toString('hex')}`;
  readonly folder: string;
  readonly #cli: Cli;
  #client: FarmClient | undefined;

  private constructor(folder: string) {
    this.folder = folder;
    this.#cli = new Cli(folder, path.join(folder, 'temp'));
  }

  static async open(): Promise<AwsFarm> {
    const folder = await mkdtemp(path.join(tmpdir(), 'helios-aws-'));
    await mkdir(path.join(folder, 'temp'));
    return new AwsFarm(folder);
  }

  /** Runs a command of the farm. */
  run(command: string, ...args: string[]): Promise<Ended> {
    return this.#cli.run([command, ...args, '--farm', this.name]);
  }

  start(command: string, ...args: string[]) {
    return this.#cli.start([command, ...args, '--farm', this.name]);
  }

  path(name: string): string {
    return path.join(this.folder, name);
  }

  async client(): Promise<FarmClient> {
    this.#client ??= await FarmClient.open(await findFarm(this.name));
    return this.#client;
  }

  /** Digests of a render's pictures before the encoder, in the order of the frames. */
  async digests(id: string): Promise<string[]> {
    const { store } = await this.client();
    const { frameJobs } = await readPlan(store, id);
    const records = await Promise.all(
      frameJobs.map(async ({ segmentKey }) => (await readSegmentRecord(store, segmentKey)) as SegmentRecord),
    );
    return records.flatMap(({ frameDigests }) => frameDigests);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#client?.[Symbol.dispose]();
    await rm(this.folder, { recursive: true, force: true });
  }
}
