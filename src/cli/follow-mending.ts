import type { RenderClient } from '../adapters/render-client.ts';
import { referenceTo } from '../orchestrator/job-orchestrator.ts';
import { dropDamaged } from '../storage/drop-damaged.ts';
import type { RenderJobInput } from '../types/render-job.ts';
import type { RenderResult } from '../types/render-result.ts';
import { type FollowFlags, followRender } from './follow-render.ts';

/** Shows a render on a farm until it ends. A file of the composition that the store damaged is sent again, once. */
export async function followMending(
  client: RenderClient,
  { id, composition }: RenderJobInput,
  flags: FollowFlags,
): Promise<RenderResult> {
  try {
    return await followRender(client, id, flags);
  } catch (error) {
    if (!(await dropDamaged(client.store, error))) throw error;
    await referenceTo(composition.source, client.store);
    await client.resumeRender(id);
    return await followRender(client, id, flags);
  }
}
