import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';

const run = promisify(execFile);

async function typeCheck(code: string): Promise<string> {
  const folder = await mkdtemp(path.resolve('test/cdk/.embed-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(path.join(folder, 'app.ts'), code);
  const compilerOptions = {
    paths: { '@helios-project/infrastructure/cdk': [path.resolve('cdk/index.ts')] },
  };
  const config = { extends: path.resolve('tsconfig.json'), compilerOptions, include: ['app.ts'] };
  await writeFile(path.join(folder, 'tsconfig.json'), JSON.stringify(config));
  return run(path.resolve('node_modules/.bin/tsc'), ['-p', folder]).then(
    () => '',
    (error: { stdout: string }) => error.stdout,
  );
}

test('the example of docs/embed.md compiles, and a wrong prop in it would not', async () => {
  const [, code = ''] = /```ts\n(.*?)```/s.exec(await readFile('docs/embed.md', 'utf8')) ?? [];
  expect(code).toContain('new RenderFarm');
  expect(await typeCheck(code)).toBe('');
  expect(await typeCheck(code.replace('maxParallel', 'maxWorkers'))).toContain("'maxWorkers' does not exist");
});
