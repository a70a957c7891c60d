/**
 * Chromium rounds the last bit otherwise after another frame, here and there: `npm run bench:roundings` measures 1
 * level in 0.03 % of the pixels at the most. More is another picture.
 */
export const ROUNDING_LEVELS = 2;
/** Of a picture's pixels. A fade that is off by a frame changes more of them. */
export const ROUNDING_SHARE = 0.01;
