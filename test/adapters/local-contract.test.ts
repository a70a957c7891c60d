import { LocalAdapter } from '../../src/adapters/local-adapter.ts';
import { Renderer } from '../helpers/renderer.ts';
import { describeAdapter } from './adapter-contract.ts';

describeAdapter('LocalAdapter', async () => {
  const renderer = await Renderer.open();
  return {
    adapter: new LocalAdapter({ concurrency: 2 }),
    store: renderer.store,
    [Symbol.asyncDispose]: () => renderer[Symbol.asyncDispose](),
  };
});
