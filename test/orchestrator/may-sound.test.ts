import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { maySound } from '../../src/orchestrator/may-sound.ts';
import { createBundle } from '../../src/storage/bundle.ts';
import { LocalStore } from '../../src/storage/local-store.ts';
import type { ResolvedComposition } from '../../src/types/composition.ts';
import { fixture } from '../helpers/renderer.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'helios-sound-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function ask(source: string, inputProps: Record<string, unknown> = {}): Promise<boolean> {
  const store = new LocalStore(path.join(folder, 'store'));
  const { digest, entry } = await createBundle(store, source);
  const ref = { kind: 'bundle', digest, entry } as const;
  return await maySound(store, { ref, inputProps } as unknown as ResolvedComposition);
}

let pages = 0;
async function page(files: Record<string, string>): Promise<string> {
  const place = path.join(folder, `page-${pages++}`);
  await mkdir(place);
  for (const [name, text] of Object.entries({ 'index.html': '<!doctype html><p>Hello', ...files }))
    await writeFile(path.join(place, name), text);
  return place;
}

test.each(['barcode-css', 'barcode-raf', 'static-slides'])('%s is silent', async (name) => {
  expect(await ask(fixture(name))).toBe(false);
});

test.each(['sounds', 'beeps', 'barcode-video-30'])('%s may sound', async (name) => {
  expect(await ask(fixture(name))).toBe(true);
});

test.each([
  ['an element in a script', { 'main.js': 'new Audio(source).play()' }],
  ['an element in markup', { 'part.html': '<VIDEO src=a></VIDEO>' }],
  ['a name that is escaped', { 'main.js': 'document.createElement("\\u0061udio")' }],
  ['a name that is put together', { 'main.js': 'document.createElement(String.fromCharCode(97))' }],
  ['a name with an octal escape', { 'main.js': "document.createElement('\\141udio')" }],
  ['a name with an entity', { 'part.html': '<iframe srcdoc="<&#97;udio src=a>"></iframe>' }],
  ['a name that is encoded for an address', { 'main.js': 'document.write(decoded("%3C%61udio%3E"))' }],
  ['a script in base64', { 'part.html': '<script src="data:text/javascript;base64,YQ=="></script>' }],
  ['a script of two bytes a letter', { 'main.js': Buffer.from('new Audio()', 'utf16le').toString('latin1') }],
  ['a module', { 'main.wasm': '\0asm' }],
  ['a file of unknown content', { 'tune.bin': 'x' }],
  ['a sound file', { 'tune.mp3': 'x' }],
])('%s may sound', async (_, files) => {
  expect(await ask(await page(files))).toBe(true);
});

test('pictures and fonts are silent, props may sound, and so may what is elsewhere', async () => {
  const quiet = await page({ 'a.png': 'audio', 'b.woff2': 'video', 'c.css': 'p { color: red }' });
  expect(await ask(quiet)).toBe(false);
  expect(await ask(quiet, { html: '<audio src="a.mp3">' })).toBe(true);
  const url = { ref: { kind: 'url', url: 'https://example.com/' }, inputProps: {} };
  expect(await maySound(new LocalStore(folder), url as unknown as ResolvedComposition)).toBe(true);
});
