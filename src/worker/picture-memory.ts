import type { PixelSize } from './framebuffer.ts';
import type { RawFormat } from './picture.ts';
import { RawPictures } from './raw-pictures.ts';

/** Keeps the memory of a page's pictures for the next page: where new memory is dear, it costs more than a picture. */
export class PictureMemory {
  #spare: RawPictures | undefined;

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
