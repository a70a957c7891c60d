/** `npm run wasm`: compiles the WebAssembly module into src/worker/pictures-wasm.ts. */
import { writeFile } from 'node:fs/promises';
import { compilePictures } from './compile.ts';

const file = new URL('../src/worker/pictures-wasm.ts', import.meta.url);
const text = Buffer.from(await compilePictures()).toString('base64');
const lines = text.match(/.{1,100}/g) ?? [];
await writeFile(
  file,
  `/** The module of wasm/pictures.ts in base64; \`npm run wasm\` makes this file. */
export const PICTURES_WASM = [
${lines.map((line) => `  '${line}',`).join('\n')}
].join('');
`,
);
