import type { RenderClient } from '../adapters/render-client.ts';
import type { RenderResult } from '../types/render-result.ts';
import { CancelledError, cancellable } from './cancellation.ts';

import { progressView } from './progress-view.ts';
import { commandFor, type WhereFlags } from './where-option.ts';

export interface FollowFlags extends WhereFlags {
  json?: boolean;
  quiet?: boolean;
}

/** Shows a render on a farm until it ends. Ctrl+C ends the showing; the render goes on. */
export async function followRender(
  client: RenderClient,
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
