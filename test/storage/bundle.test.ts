import { execFileSync } from 'node:child_process';
import { link, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BlobCache } from '../../src/storage/blob-cache.ts';
import { blobKey, createBundle, readBundle } from '../../src/storage/bundle.ts';
import { LocalStore } from '../../src/storage/local-store.ts';
import { readBytes } from '../../src/storage/object-store.ts';
import { sha256 } from '../../src/utils/digest.ts';
import { CompositionNotFoundError, StorageError, UnsafePathError } from '../../src/utils/errors.ts';
import { bundleLookup } from '../../src/worker/serve-bundle.ts';

let root: string;
let store: LocalStore;
beforeEach(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'helios-bundle-'));
  store = new LocalStore(path.join(root, 'store'));
});
afterEach(() => rm(root, { recursive: true }));

/** Writes files by their path. @returns the folder */
async function folder(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const home = path.join(root, name);
  for (const [file, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(home, file)), { recursive: true });
    await writeFile(path.join(home, file), content);
  }
  return home;
}

async function blobs(): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of store.list('blobs/')) keys.push(key);
  return keys;
}

describe('the digest', () => {
  const files = { 'index.html': '<p>page</p>', 'img/a.png': 'a', 'img/b.png': 'b' };

  test('is the same for the same files, wherever and whenever they were written', async () => {
    const first = await createBundle(store, await folder('one', files));
    const second = await createBundle(
      store,
      await folder('two', Object.fromEntries(Object.entries(files).reverse())),
    );
    const elsewhere = await createBundle(new LocalStore(path.join(root, 'other')), path.join(root, 'one'));
    expect(second.digest).toBe(first.digest);
    expect(elsewhere.digest).toBe(first.digest);
  });

  test.each<[string, Record<string, string>]>([
    ['other content', { ...files, 'img/a.png': 'A' }],
    ['another name', { 'index.html': files['index.html'], 'img/a.png': 'a', 'img/c.png': 'b' }],
    ['swapped files', { ...files, 'img/a.png': 'b', 'img/b.png': 'a' }],
    ['one file more', { ...files, 'more.txt': '' }],
  ])('is another for %s', async (_, changed) => {
    const first = await createBundle(store, await folder('one', files));
    expect((await createBundle(store, await folder('two', changed))).digest).not.toBe(first.digest);
  });

  test('names a manifest that can be read back', async () => {
    const { digest, manifest, entry } = await createBundle(store, await folder('one', files));
    expect(entry).toBe('index.html');
    expect(await readBundle(store, digest)).toEqual(manifest);
    expect(manifest.files['img/a.png']).toEqual({ sha256: sha256('a'), size: 1, contentType: 'image/png' });
    expect(manifest.files['index.html']?.contentType).toBe('text/html');
  });
});

describe('the files', () => {
  test('lie in the store under their content, equal ones once', async () => {
    const home = await folder('one', { 'index.html': 'page', 'a.txt': 'same', 'deep/b.txt': 'same' });
    await createBundle(store, home);
    expect(await blobs()).toEqual([blobKey(sha256('page')), blobKey(sha256('same'))].sort());
    expect((await readBytes(store, blobKey(sha256('same')))).toString()).toBe('same');
  });

  test('that begin with a dot are left out', async () => {
    const home = await folder('one', {
      'index.html': 'page',
      '.env': 'secret',
      '.git/config': 'secret',
      'a/.b/c': 'x',
    });
    const { manifest } = await createBundle(store, home);
    expect(Object.keys(manifest.files)).toEqual(['index.html']);
    expect(await blobs()).toHaveLength(1);
  });

  test('of node_modules are left out, unless the page refers to them', async () => {
    const home = await folder('one', {
      'index.html': 'page',
      'node_modules/unused/package.json': '{}',
      'node_modules/unused/index.js': '',
    });
    expect(Object.keys((await createBundle(store, home)).manifest.files)).toEqual(['index.html']);
  });

  test('can have any name', async () => {
    const names = ['a b.txt', 'ünï.txt', '%20.txt', "it's.txt", 'a..dots.txt', '日本.txt'];
    const home = await folder('one', {
      'index.html': '',
      ...Object.fromEntries(names.map((name) => [name, name])),
    });
    const { manifest, digest } = await createBundle(store, home);
    expect(Object.keys(manifest.files).sort()).toEqual([...names, 'index.html'].sort());
    expect(await readBundle(store, digest)).toEqual(manifest);
  });
});

describe('links', () => {
  test('out of the folder are refused with what they lead to', async () => {
    const home = await folder('one', { 'index.html': 'page' });
    await writeFile(path.join(root, 'secret.txt'), 'secret');
    await symlink('../secret.txt', path.join(home, 'link.txt'));
    const bundling = createBundle(store, home);
    await expect(bundling).rejects.toBeInstanceOf(UnsafePathError);
    await expect(bundling).rejects.toMatchObject({
      message: expect.stringContaining(
        'link.txt leads out of the composition. Copy the file into the folder.',
      ),
      details: { file: path.join(home, 'link.txt'), target: path.join(root, 'secret.txt') },
    });
    expect(await blobs()).not.toContain(blobKey(sha256('secret')));
  });

  test('to a folder outside, and by an absolute path, too', async () => {
    const home = await folder('one', { 'index.html': 'page' });
    await folder('other', { 'x.txt': 'x' });
    await symlink('../other', path.join(home, 'folder'));
    await expect(createBundle(store, home)).rejects.toBeInstanceOf(UnsafePathError);
    await rm(path.join(home, 'folder'));
    await symlink('/etc/passwd', path.join(home, 'passwd'));
    await expect(createBundle(store, home)).rejects.toBeInstanceOf(UnsafePathError);
  });

  test.each(['a file', 'a folder', 'a pipe'])(
    'that take the place of %s while the folder is read lead nowhere',
    async (what) => {
      const names = Array.from({ length: 80 }, (_, at) => `f${at}/x.txt`);
      const files = Object.fromEntries(names.map((name) => [name, name]));
      const home = await folder('one', { 'index.html': 'page', ...files });
      await folder('outside', { 'x.txt': 'secret' });
      const last = path.join(home, (await readdir(home)).findLast((name) => name.startsWith('f')) as string);
      let swapped = false;
      /** Swaps what comes last, which is seen to be harmless, but not read yet. */
      class Swapping extends LocalStore {
        override async head(key: string) {
          if (!swapped) {
            swapped = true;
            await rm(what === 'a folder' ? last : path.join(last, 'x.txt'), { recursive: true });
            if (what === 'a folder') await symlink(path.join(root, 'outside'), last);
            else if (what === 'a file')
              await symlink(path.join(root, 'outside/x.txt'), path.join(last, 'x.txt'));
            else execFileSync('sh', ['-c', 'mkfifo "$0"', path.join(last, 'x.txt')]);
          }
          return super.head(key);
        }
      }
      const bundling = createBundle(new Swapping(store.url), home);
      await expect(bundling).rejects.toBeInstanceOf(UnsafePathError);
      await expect(bundling).rejects.toThrow('x.txt was exchanged while the composition was read');
      expect(await blobs()).not.toContain(blobKey(sha256('secret')));
    },
  );

  test('to the same folder twice are no circle', async () => {
    const home = await folder('one', { 'index.html': 'page', 'real/a.txt': 'a' });
    await symlink('real', path.join(home, 'x'));
    await symlink('real', path.join(home, 'y'));
    const { manifest } = await createBundle(store, home);
    expect(Object.keys(manifest.files).sort()).toEqual(['index.html', 'real/a.txt', 'x/a.txt', 'y/a.txt']);
  });

  test('within the folder are followed', async () => {
    const home = await folder('one', { 'index.html': 'page', 'real/a.txt': 'a' });
    await symlink('real/a.txt', path.join(home, 'alias.txt'));
    const { manifest } = await createBundle(store, home);
    expect(manifest.files['alias.txt']?.sha256).toBe(sha256('a'));
  });

  test('that lead nowhere are told by their name', async () => {
    const home = await folder('one', { 'index.html': 'page' });
    await symlink('nowhere.txt', path.join(home, 'broken.txt'));
    const bundling = createBundle(store, home);
    await expect(bundling).rejects.toBeInstanceOf(UnsafePathError);
    await expect(bundling).rejects.toThrow(`${path.join(home, 'broken.txt')} leads nowhere.`);
  });

  test('that lead in a circle are told by their name', async () => {
    const home = await folder('one', { 'index.html': 'page', 'a/x.txt': '' });
    await symlink('..', path.join(home, 'a/up'));
    const bundling = createBundle(store, home);
    await expect(bundling).rejects.toBeInstanceOf(UnsafePathError);
    await expect(bundling).rejects.toThrow(`${path.join(home, 'a', 'up')} leads in a circle.`);
  });

  test('of the composition folder itself are followed', async () => {
    const home = await folder('one', { 'index.html': 'page', 'a.txt': 'a' });
    await symlink(home, path.join(root, 'alias'));
    expect((await createBundle(store, path.join(root, 'alias'))).digest).toBe(
      (await createBundle(store, home)).digest,
    );
  });
});

describe('npm packages', () => {
  const page =
    '<script type="module">import "/node_modules/@scope/pack/index.js"; import "/node_modules/plain/main.js"</script>';
  const packages = {
    'node_modules/@scope/pack/package.json': '{"name":"@scope/pack"}',
    'node_modules/@scope/pack/index.js': 'export {}',
    'node_modules/@scope/pack/index.js.map': 'map',
    'node_modules/@scope/pack/README.md': 'text',
    'node_modules/@scope/pack/node_modules/inner/index.js': 'inner',
    'node_modules/plain/package.json': '{}',
    'node_modules/plain/main.js': '',
    'node_modules/plain/.npmrc': 'secret',
    'node_modules/plain/.git/config': 'secret',
  };

  test('that the page refers to are brought in, from the folder or one above', async () => {
    await folder('.', packages);
    const home = await folder('below/deep', { 'index.html': page });
    const { manifest } = await createBundle(store, home);
    expect(Object.keys(manifest.files).sort()).toEqual([
      'index.html',
      'node_modules/@scope/pack/index.js',
      'node_modules/@scope/pack/package.json',
      'node_modules/plain/main.js',
      'node_modules/plain/package.json',
    ]);
  });

  test('that are not installed are an error that says how to install them', async () => {
    const home = await folder('one', {
      'index.html': '<script src="/node_modules/no-such-pack/x.js"></script>',
    });
    const bundling = createBundle(store, home);
    await expect(bundling).rejects.toBeInstanceOf(CompositionNotFoundError);
    await expect(bundling).rejects.toMatchObject({
      message: expect.stringContaining('Run npm install no-such-pack.'),
      details: { package: 'no-such-pack' },
    });
  });

  test.each(['/node_modules/../secret/', '/node_modules/../../etc/', '/node_modules/./x/'])(
    'can not be named %s',
    async (reference) => {
      await folder('.', { 'secret/package.json': '{}', 'secret/file': 'secret' });
      const home = await folder('one', { 'index.html': `<script src="${reference}x.js"></script>` });
      const { manifest } = await createBundle(store, home);
      expect(Object.keys(manifest.files)).toEqual(['index.html']);
    },
  );
});

describe('the page', () => {
  test('is index.html before others, else the only one, else the file that was named', async () => {
    const home = await folder('one', { 'index.html': '', 'other.html': '' });
    expect((await createBundle(store, home)).entry).toBe('index.html');
    expect((await createBundle(store, path.join(home, 'other.html'))).entry).toBe('other.html');
    expect((await createBundle(store, await folder('two', { 'only.htm': '' }))).entry).toBe('only.htm');
  });

  test.each<[string, Record<string, string>, string]>([
    ['none', { 'a.txt': '' }, 'has no HTML page'],
    ['two', { 'a.html': '', 'b.html': '' }, 'has 2 HTML pages and none is index.html'],
  ])('%s', async (_, files, message) => {
    const bundling = createBundle(store, await folder('one', files));
    await expect(bundling).rejects.toBeInstanceOf(CompositionNotFoundError);
    await expect(bundling).rejects.toThrow(message);
  });
});

describe('what is no plain file', () => {
  test.each(['pipe', 'socket'])('%s is refused, and not opened', async (kind) => {
    const home = await folder('one', { 'index.html': 'page' });
    const file = path.join(home, kind);
    const server = createServer();
    if (kind === 'pipe') execFileSync('sh', ['-c', 'mkfifo "$0"', file]);
    else await new Promise<void>((resolve) => server.listen(file, resolve));
    const bundling = createBundle(store, home);
    await expect(bundling).rejects.toBeInstanceOf(UnsafePathError);
    await expect(bundling).rejects.toMatchObject({ details: { file } });
    server.close();
  });

  test('a hard link is a file like any other', async () => {
    const home = await folder('one', { 'index.html': 'page' });
    await link(path.join(home, 'index.html'), path.join(home, 'again.html'));
    const { manifest } = await createBundle(store, home);
    expect(manifest.files['again.html']).toEqual(manifest.files['index.html']);
  });
});

test.each(['../x', 'a/../../x', '/etc/passwd', 'a\\..\\x', 'C:\\x', 'a\0b', 'a//b', './a', ''])(
  'a manifest that names the path %j is refused',
  async (name) => {
    const file = { sha256: sha256('x'), size: 1, contentType: 'text/plain' };
    const manifest = JSON.stringify({ files: { [name]: file } });
    await store.put(`bundles/${sha256(manifest)}.json`, manifest);
    await expect(readBundle(store, sha256(manifest))).rejects.toBeInstanceOf(UnsafePathError);
  },
);

test.each(['constructor', '__proto__', 'toString', 'hasOwnProperty'])(
  '%s is no file of a bundle',
  async (name) => {
    const { manifest } = await createBundle(store, await folder('one', { 'index.html': 'page' }));
    await using blobs = new BlobCache(store);
    using lease = blobs.lease();
    const missed: Error[] = [];
    expect(await bundleLookup(manifest, lease, missed)(name)).toBeUndefined();
    expect(missed).toEqual([]);
  },
);

test('a blob with other bytes than its name says is refused, also after it was changed back and forth', async () => {
  const { manifest } = await createBundle(store, await folder('one', { 'index.html': 'page' }));
  const file = store.localPath(blobKey(sha256('page')));
  await using blobs = new BlobCache(store);
  using lease = blobs.lease();
  const missed: Error[] = [];
  const look = bundleLookup(manifest, lease, missed);
  expect(await look('index.html')).toMatchObject({ file });
  await writeFile(file, 'evil');
  await expect(look('index.html')).rejects.toBeInstanceOf(StorageError);
  expect(missed).toHaveLength(1);
  await writeFile(file, 'page');
  expect(await look('index.html')).toMatchObject({ file });
});
