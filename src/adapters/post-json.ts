import type { Agent, IncomingHttpHeaders } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { http } from '../utils/node-http.ts';

const KEEP_ALIVE_MS = 30_000;

export interface JsonAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface JsonPost {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Posts JSON over connections that stay open, and waits for the answer however long it takes; `fetch` would give up
 * on headers that come after five minutes.
 */
export class JsonPoster implements Disposable {
  readonly #agent: Agent | HttpsAgent;
  readonly #secure: boolean;
  readonly #maxBytes: number;

  /**
   * @param sockets connections at the same time
   * @param maxBytes longest answer
   */
  constructor(secure: boolean, sockets: number, maxBytes: number) {
    const options = { keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MS, maxSockets: sockets };
    this.#secure = secure;
    this.#agent = secure ? new HttpsAgent(options) : new http.Agent(options);
    this.#maxBytes = maxBytes;
  }

  /** @throws Error of the connection, or of the signal */
  post({ url, headers, body, signal }: JsonPost): Promise<JsonAnswer> {
    const bytes = Buffer.from(JSON.stringify(body));
    return new Promise((resolve, reject) => {
      const sent = (this.#secure ? httpsRequest : http.request)(
        url,
        {
          method: 'POST',
          agent: this.#agent,
          signal,
          headers: { ...headers, 'content-type': 'application/json', 'content-length': bytes.length },
        },
        (answer) => {
          const parts: Buffer[] = [];
          let size = 0;
          answer.on('data', (part: Buffer) => {
            parts.push(part);
            size += part.length;
            if (size > this.#maxBytes)
              answer.destroy(new Error(`The answer is above ${this.#maxBytes} bytes.`));
          });
          answer.once('error', reject);
          answer.once('end', () => {
            const { statusCode: status = 0, headers: told } = answer;
            resolve({ status, headers: told, text: Buffer.concat(parts).toString('utf8') });
          });
        },
      );
      sent.once('error', reject);
      // A peer that is gone without a word is noticed.
      sent.once('socket', (socket) => socket.setKeepAlive(true, KEEP_ALIVE_MS));
      sent.end(bytes);
    });
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }
}
