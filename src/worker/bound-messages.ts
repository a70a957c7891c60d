import { constants } from 'node:buffer';
import type { Readable } from 'node:stream';
import { PageLimitError } from '../utils/errors.ts';

/** More than what comes out of a pipe at once. */
const PIECE_BYTES = 1024 ** 2;

/**
 * Keeps a browser's messages, each of which ends in a zero byte, shorter than a string can be: a longer one would
 * end this process. Calls `onOversized` when one gets there; the piece that makes it so is the last to be read.
 * @param maxBytes of one message; @default the longest string, less a piece
 */
export function boundMessages(
  pipe: Readable,
  onOversized: (error: PageLimitError) => void,
  maxBytes: number = constants.MAX_STRING_LENGTH - PIECE_BYTES,
): void {
  let length = 0;
  pipe.prependListener('data', (piece: Buffer) => {
    length += piece.length;
    if (length >= maxBytes) {
      const message = `The page told ${maxBytes} bytes or more at once: a console message, an error or a value. Have it tell less.`;
      onOversized(new PageLimitError(message, { details: { limit: 'message', bytes: maxBytes } }));
      pipe.removeAllListeners('data').destroy();
      return;
    }
    const end = piece.lastIndexOf(0);
    if (end >= 0) length = piece.length - end - 1;
  });
}
