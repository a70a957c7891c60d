import type { FarmClient } from '../adapters/farm-client.ts';
import type { RenderResult } from '../types/render-result.ts';
import { CancelledError, cancellable } from './cancellation.ts';
import { commandFor, type FarmFlags } from './farm-option.ts';
import { progressView } from './progress-view.ts';

export interface FollowFlags extends FarmFlags {
  json?: boolean;
  quiet?: boolean;
}

/** Shows a render on a farm until it ends. Ctrl+C ends the showing; the render goes on. */
export async function followRender(
  client: FarmClient,
  id: string,
  flags: FollowFlags,
): Promise<RenderResult> {
  try {
    return await cancellable(async (signal) => {
      using view = progressView(flags, signal);
      return await client.waitForRender(id, { signal, onProgress: (progress) => view.update(progress) });
    });
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error;
    throw new CancelledError(
      error.exitStatus,
      error,
      `The render ${id} goes on in the cloud.\n  To watch it:  ${commandFor('watch', id, flags)}\n  To cancel it: ${commandFor('cancel', id, flags)}`,
    );
  }
}
