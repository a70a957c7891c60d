import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { lookup } from 'mime-types';
import { z } from 'zod';
import { sha256Schema } from '../types/composition.ts';
import { canonicalJson, sha256, sha256File } from '../utils/digest.ts';
import {
  BlobDamagedError,
  CompositionLoadError,
  CompositionNotFoundError,
  UnsafePathError,
} from '../utils/errors.ts';
import { assertSafeRelativePath } from '../utils/paths.ts';
import { runLimited } from '../utils/run-limited.ts';
import { keepAlive } from './keep-alive.ts';
import { type ObjectBody, type ObjectStore, readBytes } from './object-store.ts';
import { openWithin } from './open-within.ts';

const bundleFileSchema = z.strictObject({
  sha256: sha256Schema,
  size: z.int().min(0),
  contentType: z.string(),
});
const manifestSchema = z.strictObject({ files: z.record(z.string(), bundleFileSchema) });
type BundleFile = z.output<typeof bundleFileSchema>;

/** A composition's files by their path in it. */
export type BundleManifest = z.output<typeof manifestSchema>;

export interface Bundle {
  /** Names the content: equal files under equal paths have equal digests. */
  readonly digest: string;
  /** The HTML page's path in the bundle. */
  readonly entry: string;
  readonly manifest: BundleManifest;
  /** SHA-256 of the files that the store did not have. */
  readonly sent: ReadonlySet<string>;
}

export const blobKey = (digest: string): string => `blobs/${digest}`;
export const bundleKey = (digest: string): string => `bundles/${digest}.json`;

/** To the store at the same time. */
const MAX_REQUESTS = 32;
const TEXT_FILE = /\.(?:html?|m?js|css|svg)$/i;
const PACKAGE_REFERENCE = /\/node_modules\/((?:@[\w.-]+\/)?[\w][\w.-]*)\//g;
const NOT_SERVED = /(?:\.map|\.md|\.ts|\.tsx|\.flow)$/i;

interface SourceFile {
  readonly file: string;
  /** Real path of the folder that it may not leave. */
  readonly root: string;
  readonly inBundle: string;
}

/** Where a composition's folder and page are. */
async function locate(source: string): Promise<{ folder: string; entry: string }> {
  const full = path.resolve(source);
  const info = await stat(full).catch(() => undefined);
  const details = { source };
  if (!info) {
    throw new CompositionNotFoundError(`There is no composition at ${source}: no such folder or file.`, {
      details,
    });
  }
  if (info.isFile()) {
    if (!/\.html?$/i.test(full)) {
      throw new CompositionNotFoundError(
        `${source} is not an HTML page. Give a folder with an index.html, or an .html file.`,
        { details },
      );
    }
    return { folder: path.dirname(full), entry: path.basename(full) };
  }
  const pages = (await readdir(full)).filter((name) => /\.html?$/i.test(name));
  const [only] = pages;
  const entry = pages.includes('index.html') ? 'index.html' : pages.length === 1 ? only : undefined;
  if (!entry) {
    const found =
      pages.length === 0 ? 'has no HTML page' : `has ${pages.length} HTML pages and none is index.html`;
    throw new CompositionNotFoundError(
      `The folder ${source} ${found}. Add an index.html, or name the page.`,
      { details },
    );
  }
  return { folder: full, entry };
}

function leads(file: string, where: string, what: string, details: Record<string, unknown>): UnsafePathError {
  return new UnsafePathError(`The link ${file} leads ${where}. ${what}`, { details: { file, ...details } });
}

/** @param above real paths of the folders that it is in, `folder` included */
async function* walk(
  folder: string,
  root: string,
  skip: (name: string) => boolean,
  above: readonly string[] = [root],
): AsyncIterable<SourceFile> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (skip(entry.name)) continue;
    const file = path.join(folder, entry.name);
    const target = entry.isSymbolicLink() ? await realpath(file).catch(() => undefined) : file;
    if (target === undefined) throw leads(file, 'nowhere', 'Remove it, or mend it.', {});
    if (path.relative(root, target).startsWith('..'))
      throw leads(file, 'out of the composition', 'Copy the file into the folder.', { target });
    if (above.includes(target)) throw leads(file, 'in a circle', 'Remove it.', { target });
    const info = await stat(file);
    if (info.isDirectory()) yield* walk(file, root, skip, [...above, target]);
    else if (info.isFile())
      yield { file, root, inBundle: path.relative(root, file).split(path.sep).join('/') };
    else {
      throw new UnsafePathError(`${file} is a pipe, a socket or a device. Remove it from the composition.`, {
        details: { file },
      });
    }
  }
}

/** The folder of an npm package as Node would find it from `folder`. */
async function findPackage(folder: string, name: string): Promise<string> {
  for (let at = folder; ; at = path.dirname(at)) {
    const candidate = path.join(at, 'node_modules', name);
    if (await stat(path.join(candidate, 'package.json')).catch(() => undefined)) return realpath(candidate);
    if (at === path.dirname(at)) break;
  }
  throw new CompositionNotFoundError(
    `The composition uses /node_modules/${name}/, which is not installed. Run npm install ${name}.`,
    {
      details: { package: name },
    },
  );
}

async function collect(folder: string): Promise<SourceFile[]> {
  const root = await realpath(folder);
  const files: SourceFile[] = [];
  const packages = new Set<string>();
  for await (const source of walk(root, root, (name) => name.startsWith('.') || name === 'node_modules')) {
    files.push(source);
    if (!TEXT_FILE.test(source.file)) continue;
    const text = await openWithin(root, source.file, (opened) => readFile(opened.path, 'utf8'));
    for (const match of text.matchAll(PACKAGE_REFERENCE)) packages.add(match[1] as string);
  }
  for (const name of packages) {
    const home = await findPackage(root, name);
    for await (const { inBundle, ...source } of walk(
      home,
      home,
      (entry) => entry.startsWith('.') || entry === 'node_modules' || NOT_SERVED.test(entry),
    )) {
      files.push({ ...source, inBundle: `node_modules/${name}/${inBundle}` });
    }
  }
  return files;
}

/** Stores what its key names by content; what lies there with another size was cut off, and is replaced; so is another file of a store on this machine. @returns whether it wrote */
async function putContent(
  store: ObjectStore,
  key: string,
  body: ObjectBody,
  size: number,
  contentType: string,
): Promise<boolean> {
  const known = await store.head(key);
  if (!known) return store.putIfAbsent(key, body, { contentType });
  const own = store.localPath(key);
  if (known.size === size && (own === undefined || (await sha256File(own)) === path.basename(key, '.json'))) {
    await keepAlive(store, known);
    return false;
  }
  await store.put(key, body, { contentType });
  return true;
}

/**
 * Stores a composition's folder by content: each file once under its SHA-256, and a manifest. A reference
 * `/node_modules/<package>/…` in its pages, scripts and styles brings that npm package's files in.
 * @throws CompositionNotFoundError, UnsafePathError
 */
export async function createBundle(store: ObjectStore, source: string): Promise<Bundle> {
  const { folder, entry } = await locate(source);
  const files: Record<string, BundleFile> = {};
  const storing = new Map<string, Promise<boolean>>();
  const sent = new Set<string>();
  await runLimited(await collect(folder), MAX_REQUESTS, undefined, ({ file, root, inBundle }) =>
    openWithin(root, file, async (opened) => {
      const digest = await sha256File(opened.path);
      const contentType = lookup(inBundle) || 'application/octet-stream';
      const { size } = opened;
      files[assertSafeRelativePath(inBundle)] = { sha256: digest, size, contentType };
      const body = { file: opened.path };
      const stored = storing.get(digest) ?? putContent(store, blobKey(digest), body, size, contentType);
      storing.set(digest, stored);
      if (!(await stored)) return;
      if ((await sha256File(opened.path)) !== digest) {
        await store.delete(blobKey(digest));
        throw new CompositionLoadError(
          `${file} changed while it was read. Render when nothing writes to it.`,
          { details: { file } },
        );
      }
      sent.add(digest);
    }),
  );
  const manifest = { files };
  const text = canonicalJson(manifest);
  const digest = sha256(text);
  await putContent(store, bundleKey(digest), text, Buffer.byteLength(text), 'application/json');
  return { digest, entry, manifest, sent };
}

function parseManifest(text: string): BundleManifest | undefined {
  try {
    return manifestSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** @throws NotFoundError, BlobDamagedError, StorageError, UnsafePathError */
export async function readBundle(store: ObjectStore, digest: string): Promise<BundleManifest> {
  const key = bundleKey(digest);
  const bytes = await readBytes(store, key);
  const manifest = sha256(bytes) === digest ? parseManifest(bytes.toString('utf8')) : undefined;
  if (!manifest) {
    throw new BlobDamagedError(
      `${key} of the store is damaged: it is not the manifest that it was (${store.url}). Render again from the composition's folder.`,
      { details: { key, store: store.url } },
    );
  }
  for (const file of Object.keys(manifest.files)) assertSafeRelativePath(file);
  return manifest;
}
