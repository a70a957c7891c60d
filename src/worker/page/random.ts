import type { PageState } from './page-state.ts';

/** Makes `Math.random` and `crypto` give the same numbers for a frame whatever came before it. */
export function installRandom(state: PageState): void {
  let seed = 0;
  // mulberry32, Tommy Ettinger 2017, public domain
  const next = (): number => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
  state.reseed = (frame) => {
    seed = Math.imul(frame + 1, 0x9e3779b1) | 0;
  };
  state.reseed(-1);
  Math.random = () => next() / 4294967296;
  if (typeof Crypto === 'undefined') return;
  Crypto.prototype.getRandomValues = function getRandomValues<T extends ArrayBufferView | null>(array: T): T {
    if (array === null) return array;
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    for (let i = 0; i < bytes.length; i++) bytes[i] = next() & 255;
    return array;
  };
  Crypto.prototype.randomUUID = function randomUUID() {
    const bytes = this.getRandomValues(new Uint8Array(16));
    bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
    const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
  };
}
