/**
 * The text of a WebAssembly module that turns BGRA pictures into 4:2:0 and into a PNG's rows, and makes digests of
 * pictures. Parts that are used twice are written in here, since V8 does not inline calls of WebAssembly.
 *
 * Colours: BT.709, limited range (ITU-R BT.709-6, item 3), in fixed point. Luma is
 * 219/255 × (0.2126 R + 0.7152 G + 0.0722 B) + 16 in 1/32768; chroma is 224/255 × (B − Y) / 1.8556 + 128, and
 * 224/255 × (R − Y) / 1.5748 + 128, of the sum of 2 × 2 pixels in 1/131072.
 */

type Text = string;

const get = (name: string): Text => `(local.get $${name})`;
const set = (name: string, value: Text): Text => `(local.set $${name} ${value})`;
const add = (a: Text, b: Text): Text => `(i32.add ${a} ${b})`;
const shuffle = (lanes: string, a: Text, b: Text): Text => `(i8x16.shuffle ${lanes} ${a} ${b})`;
const EVEN_WORDS = '0 1 2 3 8 9 10 11 16 17 18 19 24 25 26 27';
const ODD_WORDS = '4 5 6 7 12 13 14 15 20 21 22 23 28 29 30 31';
const LOW_HALVES = '0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23';
const HIGH_HALVES = '8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31';

/** Factors of B, G and R for two pixels of 16-bit channels. */
const factors = (b: number, g: number, r: number): Text =>
  `(v128.const i16x8 ${b} ${g} ${r} 0 ${b} ${g} ${r} 0)`;
const LUMA = factors(2032, 20127, 5983);
const BLUE = factors(14392, -11094, -3298);
const RED = factors(-1320, -13072, 14392);

/** Four weighted sums, 0 to 255, of the pixels in two variables; `$m` and `$n` are overwritten. */
function weigh(
  a: string,
  b: string,
  weights: Text,
  bias: number,
  shift: number,
): [prepare: Text, value: Text] {
  const products = (name: string) => `(i32x4.dot_i16x8_s ${get(name)} ${weights})`;
  const even = shuffle(EVEN_WORDS, get('m'), get('n'));
  const odd = shuffle(ODD_WORDS, get('m'), get('n'));
  const biased = `(i32x4.add (i32x4.add ${even} ${odd}) (v128.const i32x4 ${bias} ${bias} ${bias} ${bias}))`;
  return [set('m', products(a)) + set('n', products(b)), `(i32x4.shr_u ${biased} (i32.const ${shift}))`];
}

/** Stores the luma of eight pixels. */
function storeLuma([a, b, c, d]: readonly [string, string, string, string], to: Text): Text {
  const [firstProducts, first] = weigh(a, b, LUMA, 16.5 * 2 ** 15, 15);
  const [lastProducts, last] = weigh(c, d, LUMA, 16.5 * 2 ** 15, 15);
  return `${firstProducts} ${set('o', first)} ${lastProducts}
    ${set('o', `(i16x8.narrow_i32x4_s ${get('o')} ${last})`)}
    (v128.store64_lane 0 ${to} (i8x16.narrow_i16x8_u ${get('o')} ${get('o')}))`;
}

/** Stores one chroma plane of four blocks, whose sums are in `$a` and `$c`. */
function storeChroma(weights: Text, plane: string): Text {
  const [products, value] = weigh('a', 'c', weights, 128.5 * 2 ** 17, 17);
  const to = add(get(plane), `(i32.shr_u ${get('x')} (i32.const 1))`);
  return `${products} ${set('o', value)}
    ${set('o', `(i16x8.narrow_i32x4_s ${get('o')} ${get('o')})`)}
    (v128.store32_lane 0 ${to} (i8x16.narrow_i16x8_u ${get('o')} ${get('o')}))`;
}

/** Loads eight pixels into four variables, 16 bits a channel. */
function load([a, b, c, d]: readonly [string, string, string, string], from: Text): Text {
  const widen = (half: 'low' | 'high', name: string) => `(i16x8.extend_${half}_i8x16_u ${get(name)})`;
  return `${set(b, `(v128.load ${from})`)} ${set(d, `(v128.load offset=16 ${from})`)}
    ${set(a, widen('low', b))} ${set(b, widen('high', b))}
    ${set(c, widen('low', d))} ${set(d, widen('high', d))}`;
}

/** The sums of two blocks of 2 × 2 pixels, from two columns a variable, of two rows. */
function blockSums(name: string, [a, b]: readonly [string, string], [e, f]: readonly [string, string]): Text {
  const rows = (upper: string, lower: string) => `(i16x8.add ${get(upper)} ${get(lower)})`;
  return `${set('m', rows(a, e))} ${set('n', rows(b, f))}
    ${set(name, `(i16x8.add ${shuffle(LOW_HALVES, get('m'), get('n'))} ${shuffle(HIGH_HALVES, get('m'), get('n'))})`)}`;
}

const UPPER = ['a', 'b', 'c', 'd'] as const;
const LOWER = ['e', 'f', 'g', 'h'] as const;

/** Eight columns of two rows. */
const turn = `
  ${set('top', add(get('from'), `(i32.shl ${get('x')} (i32.const 2))`))}
  ${set('low', add(get('top'), `(i32.shl ${get('width')} (i32.const 2))`))}
  ${load(UPPER, get('top'))}
  ${load(LOWER, get('low'))}
  ${storeLuma(UPPER, add(get('y'), get('x')))}
  ${storeLuma(LOWER, add(add(get('y'), get('width')), get('x')))}
  ${blockSums('a', ['a', 'b'], ['e', 'f'])}
  ${blockSums('c', ['c', 'd'], ['g', 'h'])}
  ${storeChroma(BLUE, 'u')}
  ${storeChroma(RED, 'v')}`;

const mix = (name: string, offset: number): Text => `
  ${set(name, `(i32x4.mul (v128.xor ${get(name)} (v128.load offset=${offset} ${get('from')})) (v128.const i32x4 0x9e3779b1 0x85ebca77 0xc2b2ae3d 0x27d4eb2f))`)}
  ${set(name, `(v128.xor ${get(name)} (i32x4.shr_u ${get(name)} (i32.const 15)))`)}`;

/** Four pixels of four bytes, blue, green and red each, to red, green and blue; what follows is of no matter. */
const RED_GREEN_BLUE = '2 1 0 6 5 4 10 9 8 14 13 12 0 0 0 0';
/** @see https://www.w3.org/TR/png-3/#9Filter-types */
const UP = 2;

export const picturesModule: Text = `(module
  (memory (export "memory") 1)

  ;; A BGRA picture at $from to its planes Y, U and V, one after the other, at $to. Width and height are even, the
  ;; width 8 or more; a last turn of fewer than eight columns takes some of the turn before once more.
  (func (export "toI420") (param $from i32) (param $width i32) (param $height i32) (param $to i32)
    (local $y i32) (local $u i32) (local $v i32) (local $end i32)
    (local $x i32) (local $top i32) (local $low i32)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (local $e v128) (local $f v128) (local $g v128) (local $h v128)
    (local $m v128) (local $n v128) (local $o v128)
    ${set('y', get('to'))}
    ${set('u', add(get('y'), `(i32.mul ${get('width')} ${get('height')})`))}
    ${set('end', get('u'))}
    ${set('v', add(get('u'), `(i32.shr_u (i32.mul ${get('width')} ${get('height')}) (i32.const 2))`))}
    (loop $rows
      ${set('x', '(i32.const 0)')}
      (block $done
        (loop $columns
          ${turn}
          ${set('x', add(get('x'), '(i32.const 8)'))}
          (br_if $done (i32.eq ${get('x')} ${get('width')}))
          (if (i32.gt_u ${add(get('x'), '(i32.const 8)')} ${get('width')})
            (then ${set('x', `(i32.sub ${get('width')} (i32.const 8))`)}))
          (br $columns)))
      ${set('from', add(get('from'), `(i32.shl ${get('width')} (i32.const 3))`))}
      ${set('y', add(get('y'), `(i32.shl ${get('width')} (i32.const 1))`))}
      ${set('u', add(get('u'), `(i32.shr_u ${get('width')} (i32.const 1))`))}
      ${set('v', add(get('v'), `(i32.shr_u ${get('width')} (i32.const 1))`))}
      (br_if $rows (i32.lt_u ${get('y')} ${get('end')}))))

  ;; The rows of a PNG of the BGRA picture at $from, each less the one above it, to $to. Up to 12 bytes that follow the
  ;; picture are read, and up to 13 that follow the rows are overwritten.
  (func (export "toRows") (param $from i32) (param $width i32) (param $height i32) (param $to i32)
    (local $stride i32) (local $end i32) (local $right i32) (local $above i32) (local $next i32) (local $mask v128)
    ${set('stride', `(i32.shl ${get('width')} (i32.const 2))`)}
    ${set('end', add(get('from'), `(i32.mul ${get('stride')} ${get('height')})`))}
    ${set('above', get('from'))}
    (loop $rows
      (i32.store8 ${get('to')} (i32.const ${UP}))
      ${set('to', add(get('to'), '(i32.const 1)'))}
      ${set('next', add(get('to'), `(i32.mul ${get('width')} (i32.const 3))`))}
      ${set('right', add(get('from'), get('stride')))}
      (loop $columns
        (v128.store ${get('to')} ${shuffle(
          RED_GREEN_BLUE,
          `(i8x16.sub (v128.load ${get('from')}) (v128.and (v128.load ${get('above')}) ${get('mask')}))`,
          get('mask'),
        )})
        ${set('from', add(get('from'), '(i32.const 16)'))}
        ${set('above', add(get('above'), '(i32.const 16)'))}
        ${set('to', add(get('to'), '(i32.const 12)'))}
        (br_if $columns (i32.lt_u ${get('from')} ${get('right')})))
      ${set('mask', '(v128.const i32x4 -1 -1 -1 -1)')}
      ${set('from', get('right'))}
      ${set('above', `(i32.sub ${get('right')} ${get('stride')})`)}
      ${set('to', get('next'))}
      (br_if $rows (i32.lt_u ${get('from')} ${get('end')}))))

  ;; Sixteen sums of 32 bits over $bytes, a multiple of 64 above 0, to $to. Each step can be undone, so pictures that
  ;; differ in one place always differ in their sums.
  (func (export "sums") (param $from i32) (param $bytes i32) (param $to i32)
    (local $end i32) (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    ${set('end', add(get('from'), get('bytes')))}
    (loop $turn
      ${mix('a', 0)} ${mix('b', 16)} ${mix('c', 32)} ${mix('d', 48)}
      ${set('from', add(get('from'), '(i32.const 64)'))}
      (br_if $turn (i32.lt_u ${get('from')} ${get('end')})))
    (v128.store ${get('to')} ${get('a')})
    (v128.store offset=16 ${get('to')} ${get('b')})
    (v128.store offset=32 ${get('to')} ${get('c')})
    (v128.store offset=48 ${get('to')} ${get('d')})))`;
