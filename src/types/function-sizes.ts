/** The farm's functions. */
export type FunctionName = 'plan' | 'render' | 'audio' | 'stitch' | 'failure';

export interface FunctionSize {
  /** In MB, 128–10240; a function gets a whole vCPU at 1769 MB and a second one at 3538 MB. */
  readonly memory: number;
  /** In seconds, 1–900. */
  readonly timeout: number;
  /** Size of /tmp in MB, 512–10240. */
  readonly ephemeralStorage: number;
}
export type FunctionSizes = Readonly<Record<FunctionName, FunctionSize>>;

export const functionNames: readonly FunctionName[] = ['plan', 'render', 'audio', 'stitch', 'failure'];

/**
 * Node's option for the stitch function: a young generation of 8 MiB. V8 chooses it by the machine's memory, up to
 * 64 MiB, and fills it before it gives buffers back: 100 MB more for the parts that are on their way to S3.
 */
export const STITCH_NODE_OPTIONS = '--max-semi-space-size=8';

/** What each function gets unless the farm's `sizes` say otherwise. */
export const defaultSizes: FunctionSizes = {
  plan: { memory: 3008, timeout: 300, ephemeralStorage: 2048 },
  render: { memory: 3008, timeout: 900, ephemeralStorage: 2048 },
  audio: { memory: 1769, timeout: 900, ephemeralStorage: 4096 },
  stitch: { memory: 1769, timeout: 900, ephemeralStorage: 10240 },
  failure: { memory: 256, timeout: 30, ephemeralStorage: 512 },
};
