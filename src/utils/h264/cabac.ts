import type { BitWriter } from './bits.ts';

/** `pStateIdx` of the first row of the table. */
const FIRST_STATE = 42;
/** Where the probability of the less likely value stays. */
const LAST_STATE = 62;
/** `rangeTabLPS` of the states 42 to 62 (H.264, table 9-44). */
const LESS_LIKELY = [
  [16, 20, 23, 27],
  [15, 19, 22, 25],
  [14, 18, 21, 24],
  [14, 17, 20, 23],
  [13, 16, 19, 22],
  [12, 15, 18, 21],
  [12, 14, 17, 20],
  [11, 14, 16, 19],
  [11, 13, 15, 18],
  [10, 12, 15, 17],
  [10, 12, 14, 16],
  [9, 11, 13, 15],
  [9, 11, 12, 14],
  [8, 10, 12, 14],
  [8, 9, 11, 13],
  [7, 9, 11, 12],
  [7, 9, 10, 12],
  [7, 8, 10, 11],
  [6, 8, 9, 11],
  [6, 7, 9, 10],
  [6, 7, 8, 9],
] as const;

/** Arithmetic encoder for values that are always the more likely ones (9.3.4.2). */
class LikelyEncoder {
  readonly #out: BitWriter;
  #low = 0;
  #range = 510;
  #outstanding = 0;
  #first = true;

  constructor(out: BitWriter) {
    this.#out = out;
  }

  /** A decision for the more likely value. @returns the state after it */
  likely(state: number): number {
    const row = LESS_LIKELY[state - FIRST_STATE] as (typeof LESS_LIKELY)[number];
    this.#range -= row[(this.#range >> 6) & 3] as number;
    this.#renormalize();
    return Math.min(state + 1, LAST_STATE);
  }

  /** Whether it ends here; if so, the stop bit is written too. */
  terminate(isEnd: boolean): void {
    this.#range -= 2;
    if (isEnd) {
      this.#low += this.#range;
      this.#range = 2;
    }
    this.#renormalize();
    if (!isEnd) return;
    this.#put((this.#low >> 9) & 1);
    this.#out.bits(2, ((this.#low >> 7) & 3) | 1);
  }

  #renormalize(): void {
    while (this.#range < 256) {
      if (this.#low < 256) this.#put(0);
      else if (this.#low >= 512) {
        this.#low -= 512;
        this.#put(1);
      } else {
        this.#low -= 256;
        this.#outstanding++;
      }
      this.#range *= 2;
      this.#low *= 2;
    }
  }

  #put(bit: number): void {
    if (this.#first) this.#first = false;
    else this.#out.bits(1, bit);
    for (; this.#outstanding > 0; this.#outstanding--) this.#out.bits(1, 1 - bit);
  }
}

/** The quantizer of a slice whose skip flags begin at state 42, each expected to be set (9.3.1.1, ctxIdx 11). */
export const SKIPPED_QUANTIZER = 51;

/** Slice data in which every macroblock of a P picture is skipped, with `cabac_init_idc` 0 at `SKIPPED_QUANTIZER`. */
export function writeSkipped(out: BitWriter, macroblocks: number): void {
  const encoder = new LikelyEncoder(out);
  let state = FIRST_STATE;
  for (let block = 1; block <= macroblocks; block++) {
    state = encoder.likely(state);
    encoder.terminate(block === macroblocks);
  }
}
