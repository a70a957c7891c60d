import { performance } from 'node:perf_hooks';
import { liveLine, plainLine, type ShownProgress, shareDone } from './progress-line.ts';

/** Shows the progress of a render until it is disposed. */
export interface ProgressView extends Disposable {
  update(progress: ShownProgress): void;
}

const REDRAW_MS = 100;
const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const LOG_MS = 5_000;
const LOG_SHARE = 0.1;
const LOG_SHARE_MS = 1_000;
const JSON_MS = 200;

/** One line at the foot of a terminal, drawn again ten times a second. */
function liveView(terminal: NodeJS.WriteStream, signal: AbortSignal): ProgressView {
  const since = performance.now();
  let latest: ShownProgress | undefined;
  let turn = 0;
  const draw = (): void => {
    if (!latest) return;
    const line = liveLine({
      progress: latest,
      elapsedSeconds: (performance.now() - since) / 1000,
      width: (terminal.columns || 80) - 1,
      spinner: SPINNER[turn++ % SPINNER.length] as string,
      cancelling: signal.aborted,
    });
    terminal.write(`\r${line}\x1b[K`);
  };
  const timer = setInterval(draw, REDRAW_MS);
  timer.unref();
  return {
    update(progress) {
      latest = progress;
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      terminal.write('\r\x1b[K');
    },
  };
}

/** A line at each change of phase, and now and then between. */
function logView(stream: NodeJS.WritableStream): ProgressView {
  let last: { phase: string; at: number; share: number } | undefined;
  return {
    update(progress) {
      const at = performance.now();
      const share = shareDone(progress);
      const waited = last ? at - last.at : 0;
      const due =
        last?.phase !== progress.phase ||
        waited >= LOG_MS ||
        (waited >= LOG_SHARE_MS && share - last.share >= LOG_SHARE);
      if (!due) return;
      last = { phase: progress.phase, at, share };
      stream.write(`${plainLine(progress)}\n`);
    },
    [Symbol.dispose]() {},
  };
}

/** JSON lines, about five a second, and one at each change of phase. */
function jsonView(stream: NodeJS.WritableStream): ProgressView {
  let last: { phase: string; at: number } | undefined;
  return {
    update(progress) {
      const at = performance.now();
      if (last?.phase === progress.phase && at - last.at < JSON_MS) return;
      last = { phase: progress.phase, at };
      stream.write(`${JSON.stringify({ type: 'progress', ...progress })}\n`);
    },
    [Symbol.dispose]() {},
  };
}

/** The view that fits: JSON lines, a live line on a terminal, plain lines elsewhere, or nothing. */
export function progressView(
  { json, quiet }: { readonly json?: boolean | undefined; readonly quiet?: boolean | undefined },
  signal: AbortSignal,
): ProgressView {
  if (json) return jsonView(process.stdout);
  if (quiet) return { update() {}, [Symbol.dispose]() {} };
  const live = process.stderr.isTTY && process.env.TERM !== 'dumb';
  return live ? liveView(process.stderr, signal) : logView(process.stderr);
}
