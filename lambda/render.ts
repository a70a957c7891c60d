import { entry, type Measures } from './entry.ts';

export const handler = entry('render', (handlers, event, context) => handlers.render(event, context), {
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
