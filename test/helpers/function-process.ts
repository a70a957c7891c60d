import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { FunctionEnded, FunctionFailed } from './test-lambda.ts';

const CLIENT = fileURLToPath(new URL('runtime-client.ts', import.meta.url));
const TIMEOUT_MS = 900_000;

interface Invocation {
  readonly event: unknown;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A built function of the farm in a process of its own behind Lambda's Runtime API, one event at a time.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
export class FunctionProcess implements AsyncDisposable {
  readonly pid: number | undefined;
  busy = false;
  readonly #server: Server;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #queue: Invocation[] = [];
  readonly #atWork = new Map<string, Invocation>();
  #waiting: ServerResponse | undefined;

  private constructor(server: Server, child: ChildProcess) {
    this.#server = server;
    this.#child = child;
    this.pid = child.pid;
    server.on('request', (request, response) => this.#serve(request, response));
    this.#exited = once(child, 'exit').then(() => {
      for (const { reject } of [...this.#queue, ...this.#atWork.values()])
        reject(new FunctionEnded('The function’s process ended.'));
    });
  }

  /** @param name of a function in `dist/functions` */
  static async open(name: string, env: Readonly<Record<string, string>>): Promise<FunctionProcess> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const file = fileURLToPath(new URL(`../../dist/functions/${name}/index.mjs`, import.meta.url));
    const { PATH = '', HOME = '' } = process.env;
    const api = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const child = spawn(process.execPath, [CLIENT], {
      env: { PATH, HOME, ...env, AWS_LAMBDA_RUNTIME_API: api, HANDLER_FILE: file },
      stdio: 'ignore',
    });
    return new FunctionProcess(server, child);
  }

  /** @throws FunctionFailed with what the handler threw; FunctionEnded */
  async invoke(event: unknown): Promise<unknown> {
    this.busy = true;
    try {
      return await new Promise((resolve, reject) => {
        this.#queue.push({ event, resolve, reject });
        this.#hand();
      });
    } finally {
      this.busy = false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, id = '', what] = /invocation\/([^/]+)(?:\/(\w+))?$/.exec(request.url ?? '') ?? [];
    if (id === 'next') {
      this.#waiting = response;
      this.#hand();
      return;
    }
    const told: unknown = JSON.parse((await text(request)) || 'null');
    response.writeHead(202).end();
    const invocation = this.#atWork.get(id);
    this.#atWork.delete(id);
    if (what === 'response') invocation?.resolve(told);
    else invocation?.reject(new FunctionFailed(told as object));
  }

  #hand(): void {
    const response = this.#waiting;
    const invocation = response && this.#queue.shift();
    if (!response || !invocation) return;
    this.#waiting = undefined;
    const id = randomUUID();
    this.#atWork.set(id, invocation);
    response.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': id,
      'lambda-runtime-deadline-ms': String(Date.now() + TIMEOUT_MS),
      'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:us-east-1:123456789012:function:render',
    });
    response.end(JSON.stringify(invocation.event));
  }
}
