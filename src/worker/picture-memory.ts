import type { PixelSize } from './framebuffer.ts';
import type { RawFormat } from './picture.ts';
import { RawPictures } from './raw-pictures.ts';

/** Larger pictures may never be taken: their size is a guess. */
const MOST_PIXELS = 3840 * 2160;

/** Keeps the memory of a page's pictures for the next page: where new memory is dear, it costs more than a picture. */
export class PictureMemory {
  #spare: RawPictures | undefined;

  /** Has some ready for a page that will be opened. */
  prepare(size: PixelSize, format: RawFormat): void {
    if (size.width * size.height > MOST_PIXELS) return;
    try {
      this.#spare = new RawPictures(size, format);
      void this.#spare.touch();
    } catch {
      // Whoever takes pictures will be told that there is no memory for them.
    }
  }

  /** Gives back to the system what nobody has. */
  drop(): void {
    this.#spare = undefined;
  }

  /** Memory that nobody else has; what it held before is still in it. */
  take(size: PixelSize, format: RawFormat): RawPictures {
    const spare = this.#spare;
    this.#spare = undefined;
    return spare?.isFor(size, format) ? spare : new RawPictures(size, format);
  }

  giveBack(pictures: RawPictures): void {
    this.#spare = pictures;
  }
}
