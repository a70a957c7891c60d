/** All chunks of a stream in one piece. Unlike Node's `buffer` it makes no Blob of them, and no copy of a single one. */
export async function readWhole(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const chunk of chunks) all.push(chunk);
  const [only] = all;
  return only && all.length === 1 ? only : Buffer.concat(all);
}
