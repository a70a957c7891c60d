import type { RenderResult } from '../types/render-result.ts';

/** A state of Step Functions holds 256 KiB in all. */
const MAX_ANSWER_BYTES = 150 * 1024;
const MAX_WARNING_BYTES = 50 * 1024;

const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));

/** A result that a state machine can carry: lists that make it too large stay in its result.json. */
export function boundAnswer(result: RenderResult): RenderResult {
  if (sizeOf(result) <= MAX_ANSWER_BYTES) return result;
  const { seams, warnings } = result;
  let bytes = 0;
  const first = warnings.filter((warning) => {
    bytes += sizeOf(warning);
    return bytes <= MAX_WARNING_BYTES;
  });
  const left = warnings.length - first.length;
  return {
    ...result,
    seams: { ...seams, roundings: [], mismatches: [] },
    warnings: left === 0 ? first : [...first, `${left} more warnings stand in result.json.`],
  };
}
