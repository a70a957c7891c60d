import { LambdaAdapter } from '../../src/adapters/lambda-adapter.ts';
import { FunctionProcess } from '../helpers/function-process.ts';
import { Renderer } from '../helpers/renderer.ts';
import { TestLambda } from '../helpers/test-lambda.ts';
import { describeAdapter } from './adapter-contract.ts';

/** As Lambda does: an event goes to a process that is idle, or to a new one. */
class Sandboxes implements AsyncDisposable {
  readonly #env: Readonly<Record<string, string>>;
  readonly #all: FunctionProcess[] = [];

  constructor(env: Readonly<Record<string, string>>) {
    this.#env = env;
  }

  async invoke(event: unknown): Promise<unknown> {
    const idle = this.#all.find(({ busy }) => !busy);
    if (idle) return idle.invoke(event);
    const opened = await FunctionProcess.open('render', this.#env);
    this.#all.push(opened);
    return opened.invoke(event);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.map((sandbox) => sandbox[Symbol.asyncDispose]()));
  }
}

describeAdapter('LambdaAdapter', async () => {
  const renderer = await Renderer.open();
  const sandboxes = new Sandboxes({ HELIOS_STORE: renderer.store.url });
  const lambda = await TestLambda.open({ render: (event) => sandboxes.invoke(event) });
  const adapter = new LambdaAdapter({ functionName: 'render', concurrency: 2, backoffMs: 20 });
  return {
    adapter,
    store: renderer.store,
    [Symbol.asyncDispose]: async () => {
      for (const part of [adapter, lambda, sandboxes, renderer]) await part[Symbol.asyncDispose]();
    },
  };
});
