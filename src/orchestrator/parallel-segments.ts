/** Left to the other functions of a render. */
const KEPT = 3;

export interface ParallelLimits {
  /** The farm's own bound. */
  readonly maxParallel: number;
  /** Functions reserved for rendering; what the account has free does not count then. @default none */
  readonly reserved?: number | undefined;
  /** Functions that the account may run without a reservation. */
  readonly unreserved: number;
}

/** Segments of a render that are at work at the same time at the most; never less than 1. */
export function parallelSegments({ maxParallel, reserved, unreserved }: ParallelLimits): number {
  return Math.max(1, Math.min(maxParallel, reserved ?? unreserved - KEPT));
}
