import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { readBytes } from '../../src/storage/object-store.ts';
import { openStore } from '../../src/storage/open-store.ts';
import { S3Store } from '../../src/storage/s3-store.ts';
import { sha256, sha256File } from '../../src/utils/digest.ts';
import {
  AccessDeniedError,
  CredentialsError,
  NotFoundError,
  StorageError,
  StoreAddressError,
  UnsafePathError,
} from '../../src/utils/errors.ts';
import { TestS3 } from '../helpers/test-s3.ts';

const MIB = 1024 ** 2;
const putFile = new URL('../helpers/put-file.ts', import.meta.url);
let s3: TestS3;
let store: S3Store;
let folder: string;
beforeAll(async () => {
  s3 = await TestS3.open('renders');
  store = new S3Store('s3://renders/farm', { idleSeconds: 1, retrySeconds: 8 });
  folder = await mkdtemp(path.join(tmpdir(), 'helios-s3-'));
});
afterEach(() => s3.reset());
afterAll(async () => {
  await s3[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

/** A file whose every MiB differs. */
async function fileOf(mebibytes: number): Promise<string> {
  const file = path.join(folder, `${mebibytes}`);
  const handle = await open(file, 'w');
  for (let n = 0; n < mebibytes; n++) await handle.write(Buffer.alloc(MIB, `part ${n} of a file `));
  await handle.close();
  return file;
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('the address', () => {
  test.each([
    ['s3://renders', 's3://renders'],
    ['s3://renders/', 's3://renders'],
    ['s3://renders/a/b/', 's3://renders/a/b'],
  ])('%s', (address, url) => {
    expect(openStore(address).url).toBe(url);
    expect(openStore(address)).toBeInstanceOf(S3Store);
  });

  test.each(['s3://', 's3:///x', 's3://UPPER/x', 's3://a', 's3://bucket_x', 's3://b?x=1'])(
    'not %s',
    (address) => {
      expect(() => openStore(address)).toThrow(StoreAddressError);
    },
  );

  test('with a prefix that leaves it', () => {
    expect(() => openStore('s3://renders/a/../b')).toThrow(UnsafePathError);
  });

  test('its prefix keeps stores apart', async () => {
    const [one, two] = [new S3Store('s3://renders/one'), new S3Store('s3://renders/one-more')];
    await one.put('same', '1');
    await two.put('same', '2');
    expect((await readBytes(one, 'same')).toString()).toBe('1');
    const found: string[] = [];
    for await (const { key } of one.list('')) found.push(key);
    expect(found).toEqual(['same']);
    await one.delete('same');
    expect(await two.head('same')).toMatchObject({ key: 'same', size: 1 });
  });
});

describe('a large file', () => {
  test('goes in parts and comes back the same', async () => {
    const file = await fileOf(40);
    // Beside other tests a second without a byte is nothing unusual.
    const patient = new S3Store('s3://renders/farm');
    await patient.put('large/file', { file }, { contentType: 'video/mp4' });
    const sent = s3.reset();
    expect(sent.filter((line) => line.includes('partNumber='))).toHaveLength(5);
    expect(await patient.head('large/file')).toMatchObject({ size: 40 * MIB });
    expect(sha256(await readBytes(patient, 'large/file'))).toBe(await sha256File(file));
  });

  test('whose upload is gone and left nothing is a StorageError', async () => {
    const file = await fileOf(9);
    const request = 'POST /renders/farm/large/vanished?uploadId';
    s3.fail({ kind: 'reset', request });
    s3.fail({ kind: { status: 404, code: 'NoSuchUpload' }, request });
    const error = await failureOf(store.put('large/vanished', { file }));
    expect(error).toMatchObject({ name: 'StorageError', details: { code: 'NoSuchUpload' }, retryable: true });
  });

  test('takes no more memory when it is longer', async () => {
    const peak = async (file: string): Promise<number> => {
      const args = [fileURLToPath(putFile), 's3://renders', 'memory', file];
      return 1024 * Number((await promisify(execFile)(process.execPath, args)).stdout);
    };
    const short = await peak(await fileOf(1));
    const long = await peak(await fileOf(150));
    expect(short).toBeGreaterThan(0);
    expect(long - short).toBeLessThan(110 * MIB);
  });

  test('is put once by those who put it at the same time', async () => {
    const file = await fileOf(9);
    const wrote = await Promise.all(
      Array.from({ length: 4 }, () => store.putIfAbsent('large/once', { file })),
    );
    expect(wrote.filter(Boolean)).toHaveLength(1);
    expect(sha256(await readBytes(store, 'large/once'))).toBe(await sha256File(file));
    s3.reset();
    expect(await store.putIfAbsent('large/once', { file })).toBe(false);
    expect(s3.requests.map((line) => line.split(' ')[0])).toEqual(['HEAD']);
  });

  test('whose last answer was lost is there', async () => {
    const file = await fileOf(9);
    for (const write of ['put', 'putIfAbsent'] as const) {
      s3.fail({ kind: 'lost answer', request: 'POST /renders/farm/large/ending?uploadId' });
      expect(await store[write]('large/ending', { file })).toBe(write === 'put' ? undefined : true);
      expect(sha256(await readBytes(store, 'large/ending'))).toBe(await sha256File(file));
      await store.delete('large/ending');
    }
  });

  test('whose part fails is sent whole, and one that can not be leaves nothing', async () => {
    const file = await fileOf(9);
    s3.fail({ kind: { status: 500, code: 'InternalError' }, request: 'partNumber=2', times: 2 });
    await store.put('large/healed', { file });
    expect(sha256(await readBytes(store, 'large/healed'))).toBe(await sha256File(file));
    s3.reset();
    s3.fail({ kind: { status: 403, code: 'AccessDenied' }, request: 'partNumber=2' });
    expect(await failureOf(store.put('large/refused', { file }))).toBeInstanceOf(AccessDeniedError);
    expect(s3.requests.some((line) => line.startsWith('DELETE') && line.includes('uploadId='))).toBe(true);
    expect(await store.head('large/refused')).toBeUndefined();
  });
});

describe('an object with a digest', () => {
  test('is told with it', async () => {
    const bytes = Buffer.alloc(9 * MIB, 'whole');
    await store.put('digest', bytes, { sha256: sha256(bytes) });
    expect(await store.head('digest')).toMatchObject({ sha256: sha256(bytes), size: bytes.length });
    await store.put('digest', 'other');
    expect((await store.head('digest'))?.sha256).toBeUndefined();
  });
});

describe('an object that is put together', () => {
  const stored = async (key: string, length: number) => {
    await store.put(key, Buffer.alloc(length, key));
    return { key, start: 0, end: length, version: (await store.head(key))?.version };
  };
  const nothing = async function* (): AsyncGenerator<Uint8Array> {};

  test('is copied where it can be, without its bytes', async () => {
    const span = await stored('composed/large', 12 * MIB);
    s3.reset();
    await store.compose('composed/copy', [{ length: 12 * MIB, open: nothing, stored: [span] }]);
    expect(s3.requests.map((line) => line.split(' ')[0])).toEqual(['POST', 'PUT', 'POST']);
    expect(sha256(await readBytes(store, 'composed/copy'))).toBe(sha256(Buffer.alloc(12 * MIB, span.key)));
  });

  test('whose last answer was lost is there', async () => {
    const span = await stored('composed/lost', 6 * MIB);
    s3.fail({ kind: 'lost answer', request: 'POST /renders/farm/composed/ending?uploadId' });
    await store.compose('composed/ending', [{ length: 6 * MIB, open: nothing, stored: [span] }]);
    expect(await store.head('composed/ending')).toMatchObject({ size: 6 * MIB });
  });

  test('of which a part can not be had leaves nothing', async () => {
    const span = await stored('composed/gone', 6 * MIB);
    s3.fail({ kind: { status: 412, code: 'PreconditionFailed' }, request: 'partNumber=1' });
    const section = { length: 6 * MIB, open: nothing, stored: [span] };
    expect(await failureOf(store.compose('composed/none', [section]))).toBeInstanceOf(StorageError);
    expect(s3.requests.at(-1)).toMatch(/^DELETE .*uploadId=/);
    expect(await store.head('composed/none')).toBeUndefined();
  });
});

describe('what heals', () => {
  test('SlowDown for two seconds, of thirty requests at the same time', async () => {
    s3.fail({ kind: { status: 503, code: 'SlowDown' }, times: Number.POSITIVE_INFINITY, ms: 2_000 });
    await Promise.all(Array.from({ length: 30 }, (_, n) => store.put(`slow/${n}`, `${n}`)));
    s3.reset();
    for (let n = 0; n < 30; n++) expect((await readBytes(store, `slow/${n}`)).toString()).toBe(`${n}`);
  });

  test.each(['reset', 'hang', 'lost answer'] as const)('a request with %s', async (kind) => {
    s3.fail({ kind, times: 2 });
    await store.put('healed', kind);
    expect((await readBytes(store, 'healed')).toString()).toBe(kind);
  });

  test.each(['cut', 'stall'] as const)('a body with %s, three times, is read on from there', async (kind) => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, n) => n % 251));
    await store.put('broken-off', bytes);
    s3.reset();
    s3.fail({ kind, request: 'GET', times: 3 });
    expect((await readBytes(store, 'broken-off')).equals(bytes)).toBe(true);
    expect(s3.requests).toHaveLength(4);
  });

  test('a body that breaks before anybody reads it is read all the same', async () => {
    const bytes = Buffer.alloc(100_000, 'early');
    await store.put('broken-early', bytes);
    s3.fail({ kind: 'cut', request: 'GET' });
    const stream = await store.get('broken-early');
    // An error without a listener would end the process, and fails the test run.
    await sleep(300);
    expect((await buffer(stream)).equals(bytes)).toBe(true);
  });

  test('a conditional write whose answer was lost knows its own object', async () => {
    s3.fail({ kind: 'lost answer', request: 'PUT' });
    expect(await store.putIfAbsent('lost/own', 'mine')).toBe(true);
    expect(await store.putIfAbsent('lost/own', 'other')).toBe(false);
    s3.fail({ kind: 'reset', request: 'PUT' });
    expect(await store.putIfAbsent('lost/own', 'other')).toBe(false);
    expect((await readBytes(store, 'lost/own')).toString()).toBe('mine');
  });

  test('a conflict of conditional writes', async () => {
    s3.fail({ kind: { status: 409, code: 'ConditionalRequestConflict' }, request: 'PUT', times: 3 });
    expect(await store.putIfAbsent('conflict', 'x')).toBe(true);
  });
});

describe('what does not', () => {
  test('an S3 that never answers is a StorageError with key and seconds', async () => {
    const hasty = new S3Store('s3://renders', { idleSeconds: 0.3, retrySeconds: 1 });
    s3.fail({ kind: 'hang', times: Number.POSITIVE_INFINITY });
    const since = Date.now();
    const error = await failureOf(hasty.get('some/key'));
    expect(error).toBeInstanceOf(StorageError);
    expect(error).toMatchObject({
      message: expect.stringMatching(/did not answer .*s3:\/\/renders\/some\/key .*\d s\)/),
      details: { key: 'some/key', attempts: expect.any(Number), seconds: expect.any(Number) },
      retryable: true,
    });
    expect(Date.now() - since).toBeLessThan(3_000);
  });

  test('an S3 that is not there', async () => {
    const { AWS_ENDPOINT_URL_S3 } = process.env;
    process.env.AWS_ENDPOINT_URL_S3 = 'http://127.0.0.1:9';
    const lost = new S3Store('s3://renders', { retrySeconds: 1 });
    expect(await failureOf(lost.head('x'))).toBeInstanceOf(StorageError);
    process.env.AWS_ENDPOINT_URL_S3 = AWS_ENDPOINT_URL_S3;
  });

  test('a body that breaks off every time', async () => {
    await store.put('hopeless', Buffer.alloc(100_000, 1));
    s3.fail({ kind: 'cut', request: 'GET', times: Number.POSITIVE_INFINITY });
    const error = await failureOf(readBytes(store, 'hopeless'));
    expect(error).toMatchObject({
      name: 'StorageError',
      message: expect.stringContaining('broke off after'),
    });
  });

  test('a body that breaks before anybody reads it', async () => {
    await store.put('early', Buffer.alloc(20_000, 1));
    const uncaught: unknown[] = [];
    const note = (error: unknown) => uncaught.push(error);
    process.on('uncaughtException', note);
    s3.fail({ kind: 'cut', request: 'GET' });
    const stream = await store.get('early');
    await sleep(200);
    process.off('uncaughtException', note);
    expect((await buffer(stream)).length).toBe(20_000);
    expect(uncaught).toEqual([]);
  });

  test('a clock that is wrong: requests that were on their way are sent again', async () => {
    await store.put('timely', 'x');
    s3.fail({ kind: { status: 403, code: 'RequestTimeTooSkewed' }, request: 'GET', times: 3 });
    expect(await readBytes(store, 'timely')).toEqual(Buffer.from('x'));
    s3.fail({ kind: { status: 403, code: '' }, request: 'HEAD' });
    expect(await store.head('timely')).toMatchObject({ size: 1 });
    s3.fail({ kind: { status: 403, code: '' }, request: 'HEAD' });
    expect(await store.head('no-such-object')).toBeUndefined();
  });

  test('a clock that stays wrong: what is missing or refused is asked for once', async () => {
    vi.spyOn(Date, 'now').mockImplementation(() => performance.timeOrigin + performance.now() + 300_000);
    for (const key of ['a', 'b', 'c']) expect(await failureOf(store.get(key))).toBeInstanceOf(NotFoundError);
    s3.fail({ kind: { status: 400, code: 'InvalidToken' }, request: 'PUT' });
    expect(await failureOf(store.put('d', 'x'))).toBeInstanceOf(CredentialsError);
    s3.fail({ kind: { status: 400, code: 'RequestTimeout' }, request: 'PUT' });
    await store.put('e', 'x');
    expect(s3.requests.map((line) => line.replace(/[?].*/, ''))).toEqual(
      ['GET a', 'GET b', 'GET c', 'PUT d', 'PUT e', 'PUT e'].map((line) =>
        line.replace(' ', ' /renders/farm/'),
      ),
    );
    vi.restoreAllMocks();
  });

  test('an object with another byte than was stored', async () => {
    await store.put('flipped', Buffer.alloc(100_000, 1));
    s3.fail({ kind: 'flip', request: 'GET' });
    const error = await failureOf(readBytes(store, 'flipped'));
    expect(error).toMatchObject({ name: 'StorageError', message: expect.stringContaining('is damaged') });
  });

  test('an object replaced while it is read', async () => {
    await store.put('replaced', Buffer.alloc(200_000, 1));
    s3.fail({ kind: 'cut', request: 'GET' });
    const stream = await store.get('replaced');
    await store.put('replaced', Buffer.alloc(200_000, 2));
    const read = (async () => {
      for await (const _ of stream);
    })();
    expect(await failureOf(read)).toBeInstanceOf(StorageError);
  });

  test('a bucket that is not there', async () => {
    const none = new S3Store('s3://no-such-bucket');
    for (const work of [() => none.put('x', 'y'), () => none.get('x'), () => none.putIfAbsent('x', 'y')]) {
      const error = await failureOf(work());
      expect(error).toBeInstanceOf(StoreAddressError);
      expect(error).toMatchObject({ message: expect.stringContaining('no-such-bucket'), retryable: false });
    }
  });

  test('a bucket of another region: the right one is told', async () => {
    const headers = { 'x-amz-bucket-region': 'eu-central-1' };
    s3.fail({ kind: { status: 301, code: 'PermanentRedirect', headers } });
    expect(await failureOf(store.get('x'))).toMatchObject({
      name: 'StoreAddressError',
      message: expect.stringContaining('AWS_REGION=eu-central-1'),
      details: { region: 'eu-central-1' },
    });
    s3.fail({ kind: { status: 301, code: '', headers } });
    expect(await failureOf(store.head('x'))).toMatchObject({ details: { region: 'eu-central-1' } });
    const xml = '<Region>ap-south-1</Region>';
    s3.fail({ kind: { status: 400, code: 'AuthorizationHeaderMalformed', xml } });
    expect(await failureOf(store.put('x', 'y'))).toMatchObject({ details: { region: 'ap-south-1' } });
  });

  test.each(['get', 'head'] as const)('%s of what is not there, without s3:ListBucket', async (name) => {
    s3.fail({ kind: { status: 403, code: 'AccessDenied' }, times: 3 });
    expect(await failureOf(store[name]('nowhere'))).toMatchObject({
      name: 'AccessDeniedError',
      message: expect.stringContaining('s3:ListBucket on the bucket renders is missing'),
      details: { permission: 's3:ListBucket', key: 'farm/nowhere' },
      retryable: false,
    });
  });

  test('403 for what is not there, where the bucket may be listed', async () => {
    s3.fail({ kind: { status: 403, code: 'AccessDenied' }, request: '/nowhere', times: 2 });
    expect(await failureOf(store.get('nowhere'))).toBeInstanceOf(NotFoundError);
    s3.fail({ kind: { status: 403, code: 'AccessDenied' }, request: '/nowhere', times: 2 });
    expect(await store.head('nowhere')).toBeUndefined();
  });

  test.each([
    ['get', 's3:GetObject'],
    ['head', 's3:GetObject'],
    ['put', 's3:PutObject'],
    ['putIfAbsent', 's3:PutObject'],
    ['delete', 's3:DeleteObject'],
    ['list', 's3:ListBucket'],
  ] as const)('%s without permission: it is named', async (name, permission) => {
    if (permission === 's3:GetObject') await store.put('closed/x', 'y');
    const request = name === 'list' ? 'list-type' : '/closed/';
    s3.fail({ kind: { status: 403, code: 'AccessDenied' }, request, times: 2 });
    const work =
      name === 'list'
        ? (async () => {
            for await (const _ of store.list('closed/'));
          })()
        : name === 'put' || name === 'putIfAbsent'
          ? store[name]('closed/x', 'y')
          : store[name]('closed/x');
    const error = await failureOf(work);
    expect(error).toBeInstanceOf(AccessDeniedError);
    expect(error).toMatchObject({
      message: expect.stringContaining(`${permission} on s3://renders/farm/closed/`),
      details: { permission },
      retryable: false,
    });
  });

  test.each(['ExpiredToken', 'InvalidAccessKeyId', 'SignatureDoesNotMatch'])(
    'credentials: %s',
    async (code) => {
      for (const name of ['get', 'head'] as const) {
        s3.fail({ kind: { status: 400, code }, times: 2 });
        expect(await failureOf(store[name]('x'))).toMatchObject({
          name: 'CredentialsError',
          message: expect.stringContaining(code),
        });
        s3.reset();
      }
    },
  );

  test('no credentials, no region', async () => {
    const names = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_REGION'] as const;
    const saved = names.map((name) => [name, process.env[name]] as const);
    for (const name of names.slice(0, 2)) delete process.env[name];
    process.env.AWS_EC2_METADATA_DISABLED = 'true';
    process.env.AWS_SHARED_CREDENTIALS_FILE = process.env.AWS_CONFIG_FILE = path.join(folder, 'none');
    expect(await failureOf(new S3Store('s3://renders').head('x'))).toBeInstanceOf(CredentialsError);
    delete process.env.AWS_REGION;
    expect(await failureOf(new S3Store('s3://renders').head('x'))).toMatchObject({
      name: 'StoreAddressError',
      message: expect.stringContaining('AWS_REGION'),
    });
    for (const [name, value] of saved) process.env[name] = value;
  });

  test('what is not there is told by the key of the store', async () => {
    const error = await failureOf(store.get('a/b'));
    expect(error).toBeInstanceOf(NotFoundError);
    expect(error).toMatchObject({ details: { key: 'a/b', store: 's3://renders/farm' } });
  });
});

test('a presigned address reads the object without credentials', async () => {
  await store.put('signed/ä b.txt', 'text');
  const url = await store.presign('signed/ä b.txt', 60);
  expect(new URL(url).searchParams.get('X-Amz-Expires')).toBe('60');
  expect(await (await fetch(url)).text()).toBe('text');
});

test('a stream that nobody reads gives its connection back', async () => {
  await store.put('unread', Buffer.alloc(5 * MIB, 1));
  for (let n = 0; n < 70; n++) {
    const stream = await store.get('unread');
    stream.destroy();
    await once(stream, 'close');
  }
  expect(await store.head('unread')).toMatchObject({ size: 5 * MIB });
});

test('programs that render to a folder do not load the SDK', async () => {
  const program = `
    import { registerHooks } from 'node:module';
    registerHooks({ resolve: (name, context, next) => {
      if (/^@aws-sdk|^@smithy/.test(name)) console.log(name);
      return next(name, context);
    } });
    const { openStore } = await import('./src/index.ts');
    openStore('folder');
    const store = openStore('s3://renders');
    console.log('opened');
    await store.head('x');`;
  const args = ['--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  const [first, ...later] = stdout.trim().split('\n');
  expect(first).toBe('opened');
  expect(later).toContain('@aws-sdk/client-s3');
});
