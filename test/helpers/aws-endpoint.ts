import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface AwsAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** `undefined` leaves the request without an answer. */
export type Answerer = (request: IncomingMessage, body: string) => Promise<AwsAnswer | undefined>;

/** An error as the JSON protocols of AWS tell it. */
export function awsError(status: number, code: string, message = `${code} made by a test`): AwsAnswer {
  return { status, headers: { 'x-amzn-errortype': code }, body: { __type: code, message } };
}

/** A service of AWS over HTTP on loopback. Sets the AWS environment of this process, until it is disposed of. */
export class AwsEndpoint implements AsyncDisposable {
  readonly #server: Server;
  readonly #variable: string;
  readonly #before: Readonly<Record<string, string | undefined>>;

  private constructor(server: Server, service: string) {
    this.#server = server;
    this.#variable = `AWS_ENDPOINT_URL_${service}`;
    const values = {
      [this.#variable]: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    };
    this.#before = Object.fromEntries(Object.keys(values).map((name) => [name, process.env[name]]));
    Object.assign(process.env, values);
  }

  /** @param service as in `AWS_ENDPOINT_URL_<service>` */
  static async open(service: string, answer: Answerer): Promise<AwsEndpoint> {
    const server = createServer((request, response) => {
      respond(request, response, answer).catch(() => response.destroy());
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new AwsEndpoint(server, service);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const [name, value] of Object.entries(this.#before)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

async function respond(request: IncomingMessage, response: ServerResponse, answer: Answerer): Promise<void> {
  const body = (await buffer(request)).toString('utf8');
  const answered = await answer(request, body);
  if (!answered) return;
  response.writeHead(answered.status ?? 200, {
    'content-type': 'application/x-amz-json-1.1',
    ...answered.headers,
  });
  response.end(typeof answered.body === 'string' ? answered.body : JSON.stringify(answered.body));
}
