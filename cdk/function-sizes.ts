import type { FunctionName } from '../src/types/function-sizes.ts';

export {
  defaultSizes,
  type FunctionName,
  type FunctionSize,
  functionNames,
  STITCH_NODE_OPTIONS,
} from '../src/types/function-sizes.ts';

/** The layers that a function may need. */
export type LayerName = 'chromium' | 'fonts' | 'ffmpeg';

export const layersOf: Readonly<Record<FunctionName, readonly LayerName[]>> = {
  plan: ['chromium', 'fonts', 'ffmpeg'],
  render: ['chromium', 'fonts', 'ffmpeg'],
  audio: ['ffmpeg'],
  stitch: ['ffmpeg'],
  failure: [],
};
