import { expect, test } from 'vitest';
import { runTool } from '../helpers/tools.ts';

const HOOKS = `import { registerHooks } from 'node:module';
registerHooks({
  load(url, context, next) {
    if (/node_modules.(@google-cloud|google-auth-library|gaxios|hono|@hono)/.test(url)) console.log(url);
    return next(url, context);
  },
});`;

test('nothing of Google Cloud is loaded before it is used', async () => {
  const use = `const { GcsStore, CloudRunAdapter } = await import('./src/index.ts');
    new GcsStore('gs://bucket');
    new CloudRunAdapter({ url: 'https://service.example' });
    await import('./src/cli/deploy-to-gcp.ts');
    console.log('loaded');`;
  const hooks = `data:text/javascript,${encodeURIComponent(HOOKS)}`;
  const output = await runTool(process.execPath, ['--import', hooks, '--input-type=module', '--eval', use]);
  expect(output.toString()).toBe('loaded\n');
});
