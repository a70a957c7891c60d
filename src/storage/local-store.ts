import { randomUUID } from 'node:crypto';
import { constants, createReadStream, type Stats } from 'node:fs';
import { copyFile, link, mkdir, open, readdir, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pathToFileURL } from 'node:url';
import { NotFoundError, StorageError } from '../utils/errors.ts';
import { errorCode, toWriteError } from '../utils/fs-errors.ts';
import { assertSafePrefix, assertSafeRelativePath } from '../utils/paths.ts';
import { processTag } from '../utils/process-tag.ts';
import { sweepFolder } from '../utils/work-folder.ts';
import type {
  ByteSpan,
  ComposeOptions,
  ObjectBody,
  ObjectInfo,
  ObjectStore,
  Section,
} from './object-store.ts';
import { writeSections } from './write-sections.ts';

/** Where objects are written before they are moved to their place. */
const PARTIAL = '.partial';
const ATTEMPTS = 3;
const SPAN_CHUNK_BYTES = 2 * 1024 ** 2;

/** Every object is a file of its own; `touch` leaves it that. */
const versionOf = ({ ino, size, birthtimeMs }: Stats): string => [ino, size, birthtimeMs].join('-');

function bodyWriter(body: ObjectBody): (file: string) => Promise<void> {
  return async (file) => {
    if (typeof body === 'object' && 'file' in body)
      await copyFile(body.file, file, constants.COPYFILE_FICLONE);
    else await writeFile(file, body);
  };
}

/** A store in a folder. An object appears whole or not at all. */
export class LocalStore implements ObjectStore {
  readonly url: string;
  readonly copiesSpans = false;
  #swept: Promise<void> | undefined;

  constructor(folder: string) {
    this.url = path.resolve(folder);
  }

  async get(key: string, span?: ByteSpan): Promise<Readable> {
    const handle = await open(this.#path(key)).catch((error: unknown) => {
      if (errorCode(error) !== 'ENOENT') throw error;
      throw new NotFoundError(`The store has no ${key} (${this.url}).`, {
        details: { key, store: this.url },
      });
    });
    if (span?.version !== undefined && versionOf(await handle.stat()) !== span.version) {
      await handle.close();
      throw new StorageError(`${key} of the store is another one by now (${this.url}).`, {
        details: { key, store: this.url },
      });
    }
    if (span && span.start >= span.end) {
      await handle.close();
      return Readable.from([]);
    }
    const part = span ? { start: span.start, end: span.end - 1, highWaterMark: SPAN_CHUNK_BYTES } : {};
    return createReadStream('', { fd: handle, ...part });
  }

  async put(key: string, body: ObjectBody): Promise<void> {
    await this.#write(key, bodyWriter(body), rename);
  }

  async compose(key: string, sections: readonly Section[], { signal }: ComposeOptions = {}): Promise<void> {
    await this.#write(key, (file) => writeSections(file, sections, signal), rename);
  }

  async putIfAbsent(key: string, body: ObjectBody): Promise<boolean> {
    if (await this.head(key)) return false;
    try {
      await this.#write(key, bodyWriter(body), link);
      return true;
    } catch (error) {
      if (errorCode((error as Error).cause) === 'EEXIST') return false;
      throw error;
    }
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    try {
      const info = await stat(this.#path(key));
      return { key, size: info.size, modified: info.mtime, version: versionOf(info) };
    } catch (error) {
      if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR') return undefined;
      throw error;
    }
  }

  async *list(prefix: string): AsyncIterable<ObjectInfo> {
    const folder = assertSafePrefix(prefix).slice(0, prefix.lastIndexOf('/') + 1);
    const names = await readdir(path.join(this.url, folder), { recursive: true, withFileTypes: true }).catch(
      () => [],
    );
    const keys = names
      .filter((entry) => entry.isFile())
      .map((entry) =>
        path.relative(this.url, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'),
      )
      .filter((key) => key.startsWith(prefix) && !key.startsWith(`${PARTIAL}/`))
      .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    for (const key of keys) {
      const info = await this.head(key);
      if (info) yield info;
    }
  }

  async delete(key: string): Promise<void> {
    await rm(this.#path(key), { force: true });
  }

  async touch(key: string): Promise<void> {
    const now = new Date();
    await utimes(this.#path(key), now, now).catch((error: unknown) => {
      if (errorCode(error) !== 'ENOENT') throw toWriteError(error, this.#path(key));
    });
  }

  async presign(key: string): Promise<string> {
    return pathToFileURL(this.#path(key)).href;
  }

  localPath(key: string): string {
    return this.#path(key);
  }

  async #write(
    key: string,
    fill: (file: string) => Promise<void>,
    place: (from: string, to: string) => Promise<void>,
  ): Promise<void> {
    const target = this.#path(key);
    const folder = path.join(this.url, PARTIAL);
    const partial = path.join(folder, `${processTag}.${randomUUID()}`);
    try {
      await mkdir(path.dirname(target), { recursive: true });
      await mkdir(folder, { recursive: true });
      // What killed processes left.
      this.#swept ??= sweepFolder(folder, '');
      await this.#swept;
      for (let attempt = 1; ; attempt++) {
        await fill(partial);
        try {
          return await place(partial, target);
        } catch (error) {
          // Another machine on the same folder has not seen this process run, and swept.
          if (errorCode(error) !== 'ENOENT' || attempt === ATTEMPTS) throw error;
        }
      }
    } catch (error) {
      throw toWriteError(error, target);
    } finally {
      await rm(partial, { force: true }).catch(() => {});
    }
  }

  #path(key: string): string {
    return path.join(this.url, assertSafeRelativePath(key));
  }
}
