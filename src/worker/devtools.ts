import { EventEmitter } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import type { ProtocolMapping } from 'devtools-protocol/types/protocol-mapping.js';
import { BrowserCrashedError, PageLimitError } from '../utils/errors.ts';

type Commands = ProtocolMapping.Commands;
type Params<M extends keyof Commands> = Commands[M]['paramsType'];
type Answer<M extends keyof Commands> = Commands[M]['returnType'];

interface Pending {
  readonly session: DevToolsSession;
  readonly method: string;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

interface Message {
  readonly id?: number;
  readonly sessionId?: string;
  readonly method?: keyof ProtocolMapping.Events;
  readonly params?: unknown;
  readonly result?: unknown;
  readonly error?: { readonly message: string; readonly data?: string };
}

/** All but pictures are far shorter; one in the making takes four times as much of this process's memory. */
const MESSAGE_BYTES = 64 * 1024 ** 2;
const ENDED = "the browser's connection has ended";

/** A conversation with one target: commands and their answers, and events by the protocol's names. */
export class DevToolsSession extends EventEmitter<ProtocolMapping.Events> {
  readonly connection: DevTools;
  /** `undefined` for the browser's own. */
  readonly id: string | undefined;

  constructor(connection: DevTools, id?: string) {
    super();
    this.connection = connection;
    this.id = id;
    this.setMaxListeners(0);
  }

  /** Rejects when the browser refuses the command; with BrowserCrashedError when the target ends before the answer. */
  send<M extends keyof Commands>(method: M, ...[params]: Params<M>): Promise<Answer<M>> {
    return this.connection.send(this, method, params) as Promise<Answer<M>>;
  }
}

/**
 * Chromium's DevTools protocol over the pipe of `--remote-debugging-pipe`, flat sessions: JSON messages that end in a
 * zero byte each.
 * @see https://chromedevtools.github.io/devtools-protocol/
 */
export class DevTools {
  /** The browser's own session. */
  readonly root = new DevToolsSession(this);
  readonly #output: Writable;
  readonly #sessions = new Map<string, DevToolsSession>();
  readonly #pending = new Map<number, Pending>();
  readonly #usualBytes: number;
  #maxBytes: number;
  #pieces: Buffer[] = [];
  #bytes = 0;
  #lastId = 0;
  #ended = false;

  /** Told of a message that was too long; it is the last one to be read. */
  onOversized: (error: PageLimitError) => void = () => {};
  /** Told once that nothing more will be said. */
  onEnd: () => void = () => {};

  /**
   * @param output what Chromium reads, its file descriptor 3
   * @param input what Chromium writes, its file descriptor 4
   * @param maxBytes of one message; @default 64 MiB
   */
  constructor(output: Writable, input: Readable, maxBytes = MESSAGE_BYTES) {
    this.#output = output;
    this.#usualBytes = maxBytes;
    this.#maxBytes = maxBytes;
    output.on('error', () => this.#end());
    input.on('error', () => this.#end());
    input.on('close', () => this.#end());
    input.on('data', (piece: Buffer) => {
      try {
        if (!this.#ended) this.#read(piece);
      } catch {
        this.#end();
      }
      if (this.#ended) input.destroy();
    });
  }

  /** Bounds messages from now on: by so many bytes, such as those of large pictures, and not below the usual bound. */
  allowMessages(bytes: number): void {
    this.#maxBytes = Math.max(this.#usualBytes, bytes);
  }

  /** @throws Error when no target is attached under this name */
  session(id: string): DevToolsSession {
    const session = this.#sessions.get(id);
    if (!session) throw new Error(`The browser has no session ${id}.`);
    return session;
  }

  send(session: DevToolsSession, method: string, params: unknown = {}): Promise<unknown> {
    if (this.#ended) return Promise.reject(new Error(`${method}: ${ENDED}.`));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { session, method, resolve, reject });
      this.#output.write(`${JSON.stringify({ id, method, params, sessionId: session.id })}\0`);
    });
  }

  #read(piece: Buffer): void {
    let start = 0;
    for (let end = piece.indexOf(0); end >= 0 && !this.#ended; end = piece.indexOf(0, start)) {
      this.#keep(piece.subarray(start, end));
      start = end + 1;
      if (this.#ended) return;
      const [first] = this.#pieces;
      const text = this.#pieces.length === 1 && first ? first : Buffer.concat(this.#pieces);
      this.#pieces = [];
      this.#bytes = 0;
      this.#hear(JSON.parse(text.toString('utf8')) as Message);
    }
    if (start < piece.length) this.#keep(piece.subarray(start));
  }

  #keep(piece: Buffer): void {
    this.#bytes += piece.length;
    if (this.#bytes < this.#maxBytes) {
      this.#pieces.push(piece);
      return;
    }
    const bytes = this.#maxBytes;
    const message = `The page told ${bytes} bytes or more at once: a console message, an error or a value. Have it tell less.`;
    this.onOversized(new PageLimitError(message, { details: { limit: 'message', bytes } }));
    this.#end();
  }

  #hear({ id, sessionId, method, params, result, error }: Message): void {
    if (id !== undefined) {
      const asked = this.#pending.get(id);
      this.#pending.delete(id);
      if (error)
        asked?.reject(new Error(`${asked.method}: ${[error.message, error.data].filter(Boolean).join(' ')}`));
      else asked?.resolve(result);
      return;
    }
    if (method === 'Target.attachedToTarget') {
      const { sessionId: attached } = params as { readonly sessionId: string };
      this.#sessions.set(attached, new DevToolsSession(this, attached));
    }
    const session = sessionId === undefined ? this.root : this.#sessions.get(sessionId);
    if (method) (session as EventEmitter | undefined)?.emit(method, params);
    if (method === 'Target.detachedFromTarget')
      this.#detach((params as { readonly sessionId: string }).sessionId);
  }

  #detach(id: string): void {
    const session = this.#sessions.get(id);
    this.#sessions.delete(id);
    for (const [asked, pending] of this.#pending) {
      if (pending.session !== session) continue;
      this.#pending.delete(asked);
      pending.reject(
        new BrowserCrashedError(`Chromium ended the page while it was rendering (${pending.method}).`),
      );
    }
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#pieces = [];
    for (const { method, reject } of this.#pending.values()) reject(new Error(`${method}: ${ENDED}.`));
    this.#pending.clear();
    this.#sessions.clear();
    this.onEnd();
  }
}
