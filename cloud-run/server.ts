import { promisify } from 'node:util';
import { type ServerType, serve } from '@hono/node-server';
import { Handlers } from '../src/orchestrator/handlers.ts';
import { openStore } from '../src/storage/open-store.ts';
import { workerVersion } from '../src/worker/worker-version.ts';
import { createApp } from './app.ts';
import { log } from './log.ts';
import { readSettings } from './settings.ts';
import { tokenCheck } from './verify-token.ts';
import { WorkSlots } from './work-slots.ts';

const CLOSE_MS = 1000;

const { port, host, graceMs, maxParallel, concurrency, maxBodyBytes, timeoutSeconds, audience, ...tokens } =
  readSettings(process.env);
const slots = new WorkSlots(concurrency);
const handlers = new Handlers(openStore(), {
  capacity: maxParallel === undefined ? undefined : async () => ({ segments: maxParallel }),
});
const app = createApp({
  handlers: {
    plan: (event, context) => handlers.plan(event, context),
    render: (event, context) => handlers.render(event, context),
    audio: (event, context) => handlers.audio(event, context),
    stitch: (event, context) => handlers.stitch(event, context),
  },
  slots,
  workerVersion,
  maxBodyBytes,
  timeoutSeconds,
  checkToken: audience && tokenCheck({ audience, ...tokens }),
});
const server = serve({ fetch: app.fetch, port, hostname: host, overrideGlobalObjects: false }, (info) =>
  log('INFO', 'listening', { port: info.port, concurrency }),
);

/** New requests are refused while those at work come to their end. */
async function end(signal: NodeJS.Signals): Promise<void> {
  log('INFO', `${signal}: ending`, { inFlight: slots.inFlight });
  await slots.drain(graceMs);
  await close(server);
  await handlers[Symbol.asyncDispose]();
  process.exit(0);
}

/** What has been answered still has a second to be read; a caller that keeps its connection longer is cut off. */
async function close(open: ServerType): Promise<void> {
  const timer = setTimeout(() => 'closeAllConnections' in open && open.closeAllConnections(), CLOSE_MS);
  await promisify(open.close.bind(open))();
  clearTimeout(timer);
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, (name) => void end(name));
