import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningProgram } from './test-image.ts';

const MAX_RETRIES = 3;

interface Execution {
  readonly name: string;
  readonly createTime: string;
  completionTime?: string;
  succeededCount?: number;
  failedCount?: number;
  cancelledCount?: number;
  conditions?: { type: string; executionReason: 'CANCELLING' | 'CANCELLED' }[];
}

interface RunRequest {
  readonly overrides: {
    readonly containerOverrides: readonly { readonly env: readonly { name: string; value: string }[] }[];
  };
}

/** The executions of a Cloud Run Job over HTTP on loopback: each attempt is a program, and is tried again as there. */
export class TestRunApi implements AsyncDisposable {
  /** Programs of all attempts, in order. */
  readonly attempts: RunningProgram[] = [];
  /** The job's variables at each run, and the `authorization` of each request. */
  readonly started: Record<string, string>[] = [];
  readonly authorizations = new Set<string | undefined>();
  /** From the end of a cancelled program to the end of its execution. */
  cancelMs = 1000;
  readonly #executions = new Map<string, Execution>();
  readonly #server: Server;
  readonly #start: (env: Record<string, string>) => Promise<RunningProgram>;

  private constructor(server: Server, start: (env: Record<string, string>) => Promise<RunningProgram>) {
    this.#server = server;
    this.#start = start;
  }

  /** @param start starts the job's program with variables */
  static async open(start: (env: Record<string, string>) => Promise<RunningProgram>): Promise<TestRunApi> {
    const self: TestRunApi = new TestRunApi(
      createServer((request, response) => void self.#serve(request, response)),
      start,
    );
    self.#server.listen(0, '127.0.0.1');
    await once(self.#server, 'listening');
    return self;
  }

  /** As when the job is deleted, or has had many executions since. */
  forget(): void {
    this.#executions.clear();
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    this.authorizations.add(request.headers.authorization);
    const [, resource = '', verb] = /^\/v2\/([^:]+)(?::(\w+))?$/.exec(request.url ?? '') ?? [];
    const answer =
      verb === 'run' ? this.#run(resource, JSON.parse(body) as RunRequest) : this.#executions.get(resource);
    if (answer && verb === 'cancel') this.#cancel(answer as Execution);
    response.writeHead(answer ? 200 : 404, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer ?? { error: { code: 404, message: 'no such thing' } }));
  }

  #run(job: string, { overrides }: RunRequest): object {
    const short = `${job.slice(job.lastIndexOf('/') + 1)}-${this.#executions.size}`;
    const execution: Execution = { name: `${job}/executions/${short}`, createTime: new Date().toISOString() };
    this.#executions.set(execution.name, execution);
    const env = Object.fromEntries(
      overrides.containerOverrides[0]?.env.map(({ name, value }) => [name, value]) ?? [],
    );
    this.started.push(env);
    void this.#attempt(execution, { ...env, CLOUD_RUN_EXECUTION: short });
    return { name: 'operations/1', metadata: { '@type': 'google.cloud.run.v2.Execution', ...execution } };
  }

  async #attempt(execution: Execution, env: Record<string, string>): Promise<void> {
    for (let attempt = 0; attempt <= MAX_RETRIES && !execution.conditions; attempt++) {
      const program = await this.#start({ ...env, CLOUD_RUN_TASK_ATTEMPT: String(attempt) });
      this.attempts.push(program);
      const { status } = await program.ended;
      if (status === 0) execution.succeededCount = 1;
      if (status === 0) break;
    }
    if (execution.conditions && !execution.succeededCount) {
      await sleep(this.cancelMs);
      execution.conditions = [{ type: 'Completed', executionReason: 'CANCELLED' }];
      execution.cancelledCount = 1;
    } else if (!execution.succeededCount) execution.failedCount = 1;
    execution.completionTime = new Date().toISOString();
  }

  #cancel(execution: Execution): void {
    execution.conditions = [{ type: 'Completed', executionReason: 'CANCELLING' }];
    this.attempts.at(-1)?.kill('SIGTERM');
    // One that a test holds hears it, too.
    this.attempts.at(-1)?.kill('SIGCONT');
  }
}
