import { AbortedError } from '../utils/errors.ts';

/** Exit statuses of a command that a signal ended: 128 and the signal's number. */
const STATUS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
type Signal = keyof typeof STATUS;

/** The command ended because of a signal, and has cleaned up. */
export class CancelledError extends AbortedError {
  readonly exitStatus: number;
  /** What a person is told. */
  readonly notice: string;

  constructor(exitStatus: number, cause: unknown, notice = 'Cancelled.') {
    super('The render was cancelled.', { cause });
    this.notice = notice;
    this.name = 'AbortedError';
    this.exitStatus = exitStatus;
  }
}

/**
 * Runs `work` with an abort signal that Ctrl+C and termination fire; a second one ends the process at once.
 * @throws CancelledError once `work` has failed after a signal
 */
export async function cancellable<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let exitStatus: number | undefined;
  const listeners = (Object.keys(STATUS) as Signal[]).map((name) => {
    const listener = (): void => {
      if (exitStatus !== undefined) process.exit(STATUS[name]);
      exitStatus = STATUS[name];
      controller.abort(new Error(name));
    };
    process.on(name, listener);
    return { name, listener };
  });
  try {
    return await work(controller.signal);
  } catch (error) {
    throw exitStatus === undefined ? error : new CancelledError(exitStatus, error);
  } finally {
    for (const { name, listener } of listeners) process.off(name, listener);
  }
}
