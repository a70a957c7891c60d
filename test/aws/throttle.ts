import {
  DeleteFunctionConcurrencyCommand,
  InvokeCommand,
  LambdaClient,
  PutFunctionConcurrencyCommand,
} from '@aws-sdk/client-lambda';

/** Has Lambda throttle every invocation of a function: no concurrency is reserved for it. */
export class Throttle implements AsyncDisposable {
  readonly #client = new LambdaClient({ maxAttempts: 1 });
  readonly #function: { readonly FunctionName: string };

  private constructor(name: string) {
    this.#function = { FunctionName: name };
  }

  static async of(name: string): Promise<Throttle> {
    const throttle = new Throttle(name);
    const request = { ...throttle.#function, ReservedConcurrentExecutions: 0 };
    await throttle.#client.send(new PutFunctionConcurrencyCommand(request));
    return throttle;
  }

  /** Whether the endpoint keeps to it. */
  async holds(): Promise<boolean> {
    return this.#client.send(new InvokeCommand({ ...this.#function, Payload: '{}' })).then(
      () => false,
      (error: Error) => error.name === 'TooManyRequestsException',
    );
  }

  async end(): Promise<void> {
    await this.#client.send(new DeleteFunctionConcurrencyCommand(this.#function));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
    this.#client.destroy();
  }
}
