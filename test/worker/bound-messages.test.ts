import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { PageLimitError } from '../../src/utils/errors.ts';
import { boundMessages } from '../../src/worker/bound-messages.ts';

const MAX = 10;

/** What a reader gets of pieces, and what is told of them. */
async function read(pieces: readonly string[]) {
  const pipe = new PassThrough();
  const errors: unknown[] = [];
  let got = '';
  pipe.on('data', (piece: Buffer) => {
    got += piece;
  });
  boundMessages(pipe, (error) => errors.push(error), MAX);
  for (const piece of pieces) if (!pipe.destroyed) pipe.write(piece);
  await new Promise((resolve) => setImmediate(resolve));
  return { got, errors, destroyed: pipe.destroyed };
}

test.each([[['123456789']], [['1234567\0', '12345678\0']], [['12345', '678\0', '123456']]])(
  'messages below the bound pass: %j',
  async (pieces) =>
    expect(await read(pieces)).toEqual({ got: pieces.join(''), errors: [], destroyed: false }),
);

test.each([[['1234567890']], [['12345', '67890']], [['1234\0abcd', 'efghij']], [['1234567', '8901\0']]])(
  'a longer one ends the reading with its piece: %j',
  async (pieces) => {
    const { got, errors, destroyed } = await read(pieces);
    expect(got).toBe(pieces.join(''));
    expect(errors).toEqual([expect.any(PageLimitError)]);
    expect(errors[0]).toMatchObject({ details: { limit: 'message', bytes: MAX } });
    expect(destroyed).toBe(true);
  },
);
