import { UnknownLayout } from '../mp4/boxes.ts';

/** Reads the bits of a raw byte sequence payload, the highest of each byte first (H.264, 7.2). */
export class BitReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bits read so far. */
  get position(): number {
    return this.#at;
  }

  /** u(n), of 32 bits at the most. */
  bits(count: number): number {
    let value = 0;
    for (let bit = 0; bit < count; bit++, this.#at++) {
      const byte = this.#bytes[this.#at >> 3];
      if (byte === undefined) throw new UnknownLayout('an H.264 unit is cut off');
      value = value * 2 + ((byte >> (7 - (this.#at & 7))) & 1);
    }
    return value;
  }

  flag(): boolean {
    return this.bits(1) === 1;
  }

  /** ue(v), 9.1. */
  unsigned(): number {
    let zeros = 0;
    while (!this.flag()) if (++zeros > 31) throw new UnknownLayout('a number of H.264 is too long');
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  /** se(v), 9.1.1. */
  signed(): number {
    const code = this.unsigned();
    return code % 2 ? (code + 1) / 2 : 0 - code / 2;
  }
}

/** Writes bits, the highest of each byte first. */
export class BitWriter {
  readonly #bytes: number[] = [];
  #free = 0;

  bits(count: number, value: number): this {
    for (let bit = count - 1; bit >= 0; bit--) {
      if (this.#free === 0) {
        this.#bytes.push(0);
        this.#free = 8;
      }
      this.#free--;
      const last = this.#bytes.length - 1;
      this.#bytes[last] = (this.#bytes[last] as number) | (((value >>> bit) & 1) << this.#free);
    }
    return this;
  }

  flag(value: boolean): this {
    return this.bits(1, value ? 1 : 0);
  }

  /** ue(v), 9.1. */
  unsigned(value: number): this {
    const length = 31 - Math.clz32(value + 1);
    return this.bits(length, 0).bits(length + 1, value + 1);
  }

  /** se(v), 9.1.1. */
  signed(value: number): this {
    return this.unsigned(value > 0 ? 2 * value - 1 : -2 * value);
  }

  /** Fills the last byte up. */
  align(bit: 0 | 1): this {
    while (this.#free > 0) this.bits(1, bit);
    return this;
  }

  toBuffer(): Buffer {
    return Buffer.from(this.#bytes);
  }
}
