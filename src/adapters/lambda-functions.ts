import {
  GetAccountSettingsCommand,
  GetFunctionConcurrencyCommand,
  GetFunctionConfigurationCommand,
  InvokeCommand,
  LambdaClient,
} from '@aws-sdk/client-lambda';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { FunctionSize } from '../types/function-sizes.ts';
import { FunctionCrashedError, type HeliosError, RemoteError } from '../utils/errors.ts';
import { reviveError } from '../utils/revive-error.ts';
import { askAws } from './aws-errors.ts';

/** Lambda's longest timeout, and a little more for the answer's way, in milliseconds. */
const LONGEST_MS = 915_000;

export interface FunctionConfig extends FunctionSize {
  readonly logGroup: string;
}

/** Functions that may run at the same time. */
export interface ConcurrencyQuota {
  /** Of all functions of the account in the region. */
  readonly account: number;
  /** Of those without a reservation. */
  readonly unreserved: number;
}

/** The functions of an account by their names. */
export class LambdaFunctions {
  readonly #client: LambdaClient;

  /** @param concurrency connections that stay open */
  constructor(concurrency = 50) {
    this.#client = new LambdaClient({
      // Whoever invokes knows better when to try again.
      maxAttempts: 1,
      requestHandler: new NodeHttpHandler({
        connectionTimeout: 5000,
        requestTimeout: LONGEST_MS,
        throwOnRequestTimeout: true,
        httpAgent: { keepAlive: true, maxSockets: concurrency },
        httpsAgent: { keepAlive: true, maxSockets: concurrency },
      }),
    });
  }

  /**
   * Invokes a function and waits for its answer.
   * @throws the function's own error as the class of its name; FunctionCrashedError, ThrottledError and others
   */
  async invoke(name: string, event: unknown, signal?: AbortSignal): Promise<unknown> {
    const { Payload, FunctionError } = await this.#ask('InvokeFunction', name, () =>
      this.#client.send(
        new InvokeCommand({ FunctionName: name, Payload: JSON.stringify(event) }),
        signal ? { abortSignal: signal } : {},
      ),
    );
    const text = Payload?.transformToString() ?? '';
    let answer: unknown;
    try {
      answer = JSON.parse(text || 'null');
    } catch (cause) {
      throw new FunctionCrashedError(`The function ${name} answered no JSON.`, {
        cause,
        details: { function: name },
      });
    }
    if (FunctionError) throw functionError(name, answer);
    return answer;
  }

  async config(name: string): Promise<FunctionConfig> {
    const found = await this.#ask('GetFunctionConfiguration', name, () =>
      this.#client.send(new GetFunctionConfigurationCommand({ FunctionName: name })),
    );
    return {
      memory: found.MemorySize ?? 128,
      timeout: found.Timeout ?? 3,
      ephemeralStorage: found.EphemeralStorage?.Size ?? 512,
      logGroup: found.LoggingConfig?.LogGroup ?? `/aws/lambda/${name}`,
    };
  }

  async quota(): Promise<ConcurrencyQuota> {
    const { AccountLimit } = await this.#ask('GetAccountSettings', 'the account', () =>
      this.#client.send(new GetAccountSettingsCommand({})),
    );
    const account = AccountLimit?.ConcurrentExecutions ?? 1000;
    return { account, unreserved: AccountLimit?.UnreservedConcurrentExecutions ?? account };
  }

  /** What a function alone may use; `undefined` when nothing is reserved for it. */
  async reserved(name: string): Promise<number | undefined> {
    const { ReservedConcurrentExecutions } = await this.#ask('GetFunctionConcurrency', name, () =>
      this.#client.send(new GetFunctionConcurrencyCommand({ FunctionName: name })),
    );
    return ReservedConcurrentExecutions;
  }

  [Symbol.dispose](): void {
    this.#client.destroy();
  }

  #ask<T>(action: string, resource: string, work: () => Promise<T>): Promise<T> {
    const region = () => this.#client.config.region();
    return askAws({ permission: `lambda:${action}`, resource, region }, work);
  }
}

function functionError(name: string, answer: unknown): HeliosError {
  const { errorType, errorMessage } = (answer ?? {}) as { errorType?: string; errorMessage?: string };
  const options = { details: { function: name } };
  if (errorMessage === undefined) return new RemoteError(`The function ${name} failed.`, options);
  // A sandbox that is cut off says so in the message alone.
  if (errorType === undefined) return new FunctionCrashedError(errorMessage, options);
  return reviveError(errorType, errorMessage, options);
}
