const FEW = 0.001;

/**
 * Whether two pictures of a frame differ by no more than what Chromium rounds otherwise after another frame.
 * `npm run bench:roundings` measures a level in 0.03 % of the pixels; a film was a level off once in more than 1 %, for
 * a reason that is not known. A level is seen by nobody, wherever it is.
 * @param levels of 255, of what differs most
 * @param others how many of `all` differ at all
 */
export function isRoundingOf(levels: number, others: number, all: number): boolean {
  return levels <= 1 || isSpeckle(levels, others, all);
}

function isSpeckle(levels: number, others: number, all: number): boolean {
  return levels <= 2 && others <= all * FEW;
}

function difference(one: Uint8Array, other: Uint8Array): [levels: number, others: number, all: number] {
  let [levels, others] = [0, 0];
  for (let at = 0; at < one.length; at++) {
    const off = Math.abs((one[at] as number) - (other[at] as number));
    levels = Math.max(levels, off);
    if (off > 0) others++;
  }
  return [levels, others, one.length];
}

/** As `isRoundingOf`, of the bytes of two raw pictures of the same size. */
export function isRoundedFrom(one: Uint8Array, other: Uint8Array): boolean {
  return isRoundingOf(...difference(one, other));
}

/**
 * As `isRoundedFrom`, and in no more than a thousandth of the bytes: state that a page adds up may be a level off at
 * first, and is so wherever it shows.
 */
export function isSpeckledFrom(one: Uint8Array, other: Uint8Array): boolean {
  return isSpeckle(...difference(one, other));
}
