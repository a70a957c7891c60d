import { LambdaAdapter } from '../../src/adapters/lambda-adapter.ts';
import { Handlers } from '../../src/orchestrator/handlers.ts';
import { Renderer } from '../helpers/renderer.ts';
import { TestLambda } from '../helpers/test-lambda.ts';
import { describeAdapter } from './adapter-contract.ts';

describeAdapter('LambdaAdapter', async () => {
  const renderer = await Renderer.open();
  const handlers = new Handlers(renderer.store);
  const lambda = await TestLambda.open({ render: (event) => handlers.render(event) });
  const adapter = new LambdaAdapter({ functionName: 'render', concurrency: 2, backoffMs: 20 });
  return {
    adapter,
    store: renderer.store,
    [Symbol.asyncDispose]: async () => {
      for (const part of [adapter, lambda, handlers, renderer]) await part[Symbol.asyncDispose]();
    },
  };
});
