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

/** What each function gets unless the farm's `sizes` say otherwise. */
export const defaultSizes: FunctionSizes = {
  plan: { memory: 3008, timeout: 300, ephemeralStorage: 2048 },
  render: { memory: 3008, timeout: 900, ephemeralStorage: 2048 },
  audio: { memory: 1769, timeout: 900, ephemeralStorage: 4096 },
  stitch: { memory: 1769, timeout: 900, ephemeralStorage: 10240 },
  failure: { memory: 256, timeout: 30, ephemeralStorage: 512 },
};
