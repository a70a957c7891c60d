import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import type { Context } from 'aws-lambda';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';

/** Stands for X-Ray's daemon. */
const daemon = createSocket('udp4');
const context = { getRemainingTimeInMillis: () => 1000 } as Context;
let entry: typeof import('../../lambda/entry.ts').entry;

beforeAll(async () => {
  await once(daemon.bind(0, '127.0.0.1'), 'listening');
  const environment = {
    AWS_XRAY_DAEMON_ADDRESS: `127.0.0.1:${daemon.address().port}`,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    LAMBDA_TASK_ROOT: tmpdir(),
    _X_AMZN_TRACE_ID: 'Root=1-5759e988-bd862e3fe1be46a994272793;Parent=557abcec3ee5a047;Sampled=1',
    HELIOS_STORE: tmpdir(),
    POWERTOOLS_LOG_LEVEL: 'SILENT',
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
  ({ entry } = await import('../../lambda/entry.ts'));
});
afterAll(() => {
  daemon.close();
  vi.unstubAllEnvs();
});

async function nextTrace(): Promise<unknown> {
  const [message] = (await once(daemon, 'message')) as [Buffer];
  return JSON.parse(message.toString().split('\n')[1] ?? '');
}

test('the trace of a call names its render', async () => {
  const sent = nextTrace();
  await entry('stitch', async () => ({}))({ id: 'film' }, context);
  const trace = await sent;
  expect(trace).toMatchObject({ name: '## stitch', annotations: { render: 'film' } });
  expect(trace).not.toHaveProperty('fault');
}, 10_000);

test('the trace of a call that fails tells so', async () => {
  const sent = nextTrace();
  const failing = entry('render', async () => {
    throw new Error('boom');
  });
  await expect(failing({ id: 'film' }, context)).rejects.toThrow('boom');
  expect(await sent).toMatchObject({ name: '## render', annotations: { render: 'film' }, fault: true });
}, 10_000);
