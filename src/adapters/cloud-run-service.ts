import { type ServiceRoute, serviceErrorSchema, serviceHeaders } from '../types/service.ts';
import {
  AbortedError,
  AccessDeniedError,
  CloudServiceError,
  CredentialsError,
  type HeliosError,
  OutOfTimeError,
  RemoteError,
  ThrottledError,
  ValidationError,
} from '../utils/errors.ts';
import { reviveError } from '../utils/revive-error.ts';
import { googleIdTokens, type IdTokenSource } from './id-token.ts';
import { type JsonAnswer, JsonPoster } from './post-json.ts';
import { retryAfterSeconds } from './retry-after.ts';

/** Given to the service beyond a request's own time, for telling that it is over. */
const GRACE_MS = 5_000;
const MAX_ANSWER_BYTES = 32 * 1024 ** 2;

export interface CloudRunServiceOptions {
  /** Address of the service, such as `https://helios-default-123.europe-west1.run.app`. */
  readonly url: string;
  /** Requests at the same time. */
  readonly concurrency: number;
  /** Seconds that a request has. */
  readonly timeoutSeconds: number;
  /** Gives the ID tokens; `null` sends none. @default those of the application default credentials */
  readonly idToken?: IdTokenSource | null | undefined;
  /** Whom the tokens are for. @default the address */
  readonly audience?: string | undefined;
}

/** The routes of a deployed service. */
export class CloudRunService implements Disposable {
  readonly url: string;
  readonly #poster: JsonPoster;
  readonly #timeoutMs: number;
  readonly #idToken: IdTokenSource | null;
  readonly #instances = new Set<string>();

  /** @throws ValidationError */
  constructor({ url, concurrency, timeoutSeconds, audience, idToken }: CloudRunServiceOptions) {
    if (!/^https?:\/\/[^/?#]+\/?$/.test(url) || !URL.canParse(url)) {
      throw new ValidationError(
        `${JSON.stringify(url)} is no address of a service, such as https://….run.app.`,
        {
          details: { url },
        },
      );
    }
    this.url = url.replace(/\/$/, '');
    this.#poster = new JsonPoster(url.startsWith('https:'), concurrency, MAX_ANSWER_BYTES);
    this.#timeoutMs = timeoutSeconds * 1000;
    this.#idToken = idToken === undefined ? googleIdTokens(audience ?? this.url) : idToken;
  }

  /** Instances that have answered so far. */
  get instances(): number {
    return this.#instances.size;
  }

  /**
   * Sends an event to a route and waits for its answer.
   * @param workerVersion the worker that the event needs
   * @throws the service's own error as the class of its name; ThrottledError, CloudServiceError, OutOfTimeError,
   *   CredentialsError, AccessDeniedError, RemoteError, AbortedError
   */
  async post(
    route: ServiceRoute,
    event: unknown,
    {
      workerVersion,
      signal,
    }: { readonly workerVersion?: string; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<unknown> {
    const url = new URL(`${this.url}/${route}`);
    const headers = {
      ...(await this.#authorization()),
      ...(workerVersion === undefined ? {} : { [serviceHeaders.workerVersion]: workerVersion }),
      [serviceHeaders.timeoutSeconds]: String(this.#timeoutMs / 1000),
    };
    const overdue = AbortSignal.timeout(this.#timeoutMs + GRACE_MS);
    const ends = AbortSignal.any(signal ? [signal, overdue] : [overdue]);
    const details = { url: url.href };
    let answer: JsonAnswer;
    try {
      answer = await this.#poster.post({ url, headers, body: event, signal: ends });
    } catch (cause) {
      if (signal?.aborted) throw new AbortedError('The render was cancelled.', { cause });
      if (overdue.aborted) {
        throw new OutOfTimeError(
          `The service ${this.url} did not answer within ${this.#timeoutMs / 1000} s. Give it more time, or cut the video into more segments (chunking).`,
          { cause, details },
        );
      }
      throw new CloudServiceError(`The connection to ${url.href} broke: ${(cause as Error).message}`, {
        cause,
        details,
      });
    }
    const instance = answer.headers[serviceHeaders.instance];
    if (typeof instance === 'string') this.#instances.add(instance);
    if (answer.status !== 200) throw toError(answer, url.href);
    const value = parseJson(answer.text);
    if (value !== undefined) return value;
    throw new CloudServiceError(`${url.href} answered no whole JSON.`, { details });
  }

  [Symbol.dispose](): void {
    this.#poster[Symbol.dispose]();
  }

  /** Cloud Run takes the signature off the token that it checks; the instance checks the other one. */
  async #authorization(): Promise<Record<string, string>> {
    if (!this.#idToken) return {};
    const bearer = `Bearer ${await this.#idToken()}`;
    return { authorization: bearer, 'x-serverless-authorization': bearer };
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** An answer that is no success: the error of an instance, or one of what stands before it. */
function toError({ status, headers, text }: JsonAnswer, url: string): HeliosError {
  const told = serviceErrorSchema.safeParse(parseJson(text)).data;
  const ofInstance = headers[serviceHeaders.instance] !== undefined;
  const details = {
    ...told?.details,
    url,
    status,
    retryAfterSeconds: retryAfterSeconds(headers['retry-after']),
  };
  if (told && ofInstance) return reviveError(told.name, told.message, { details });
  const answered = `${url} answered ${status}`;
  if (status === 429) return new ThrottledError(`${answered}: no instance is free.`, { details });
  if (status === 401)
    return new CredentialsError(`${answered}: the ID token is missing or not good.`, { details });
  if (status === 403) {
    return new AccessDeniedError(`${answered}: give the account the role roles/run.invoker on the service.`, {
      details: { ...details, permission: 'run.routes.invoke' },
    });
  }
  if (status >= 500) {
    // So Cloud Run says, too, that it has no instance for a request.
    const noInstance = !ofInstance && (status === 500 || status === 503);
    return new CloudServiceError(`${answered}.`, { details: { ...details, noInstance } });
  }
  return new RemoteError(`${answered}: there is no Helios service at this address.`, { details });
}
