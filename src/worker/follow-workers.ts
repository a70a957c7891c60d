import type { Protocol } from 'devtools-protocol';
import type { DevToolsSession } from './devtools.ts';

/** As many as `installMachine` tells documents of. */
const PROCESSORS = 4;

/**
 * Tells workers of as many processors as their page, those that they start included. Each waits at its start until
 * that is so.
 * @param filter which of the session's targets; @default its workers and service workers
 */
export async function followWorkers(
  session: DevToolsSession,
  filter?: Protocol.Target.FilterEntry[],
): Promise<void> {
  session.on('Target.attachedToTarget', ({ sessionId }) => {
    const worker = session.connection.session(sessionId);
    // In one go: a service worker answers only once it runs. One that has ended by then never does.
    const requests = [
      worker.send('Emulation.setHardwareConcurrencyOverride', { hardwareConcurrency: PROCESSORS }),
      followWorkers(worker),
      worker.send('Runtime.runIfWaitingForDebugger'),
    ];
    for (const request of requests) request.catch(() => {});
  });
  const attach = { autoAttach: true, waitForDebuggerOnStart: true, flatten: true };
  await session.send('Target.setAutoAttach', filter ? { ...attach, filter } : attach);
}
