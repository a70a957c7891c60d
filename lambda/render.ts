import { shorter } from '../src/orchestrator/handler-context.ts';
import { entry, type Measures } from './entry.ts';

/** What its plan allows a segment, and at most what is left of the function's own time. */
function allowedMs(event: unknown, remainingMs: number): number {
  const { timeoutSeconds } = (event ?? {}) as { timeoutSeconds?: number };
  return shorter({ remainingMs }, timeoutSeconds).remainingMs ?? remainingMs;
}

export const handler = entry('render', (handlers, event, context) => handlers.render(event, context), {
  allowedMs,
  measure: (answer): Measures => {
    const { frames, cached, bytes } = answer;
    const ms = 'ms' in answer ? answer.ms : answer.timings.total;
    if (cached) return { CachedFrames: [frames, 'Count'] };
    return {
      Frames: [frames, 'Count'],
      FrameTime: [ms / frames, 'Milliseconds'],
      SegmentBytes: [bytes, 'Bytes'],
    };
  },
});
