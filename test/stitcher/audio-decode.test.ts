import { createReadStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AudioError } from '../../src/utils/errors.ts';
import { createWorkFolder, type WorkFolder } from '../../src/utils/work-folder.ts';
import {
  beeps,
  childrenLeft,
  constant,
  make,
  mixDown,
  onsetsIn,
  RATE,
  ramp,
  tracksOf,
  whole,
  writeWav,
} from './audio-sounds.ts';

let folder: WorkFolder;
const sound: Record<'ramp' | 'beeps' | 'ones' | 'mute', string> = { ramp: '', beeps: '', ones: '', mute: '' };

beforeAll(async () => {
  folder = await createWorkFolder('audio-test');
  sound.ramp = await writeWav(folder.path, 'ramp', ramp(3 * RATE));
  sound.beeps = await writeWav(folder.path, 'beeps', beeps(3));
  sound.ones = await writeWav(folder.path, 'ones', constant(2, 1));
  const video = ['-f', 'lavfi', '-i', 'testsrc=s=64x64:d=1', '-c:v', 'libx264'];
  sound.mute = await make(folder.path, 'mute.mp4', ...video);
});
afterAll(() => folder[Symbol.asyncDispose]());

test.each(['mp3', 'm4a', 'ogg', 'webm', 'flac'])(
  'puts the beeps of a %s where they belong',
  async (ending) => {
    const codec = ending === 'webm' ? ['-c:a', 'libopus'] : [];
    const file = await make(folder.path, `beeps.${ending}`, '-i', sound.beeps, ...codec);
    const [left] = await mixDown(whole(4, tracksOf({ file, startTime: 0.5, mediaStart: 0.75 })));
    const onsets = onsetsIn(left);
    expect(onsets).toHaveLength(2);
    for (const [index, onset] of onsets.entries())
      expect(Math.abs(onset - (0.75 + index) * RATE)).toBeLessThan(300);
  },
);

test('a sound that starts late in its video starts late here', async () => {
  const inputs = ['-f', 'lavfi', '-i', 'testsrc=s=64x64:d=3', '-itsoffset', '0.5', '-i', sound.beeps];
  const file = await make(folder.path, 'late.mkv', ...inputs, '-c:v', 'libx264', '-c:a', 'flac');
  const [left] = await mixDown(whole(3, tracksOf({ file })));
  expect(Math.abs((onsetsIn(left)[0] ?? 0) - 0.5 * RATE)).toBeLessThanOrEqual(1);
});

test('a video without a sound is silence', async () => {
  const [left] = await mixDown(whole(1, tracksOf({ file: sound.mute, fadeOut: 0.2, playbackRate: 2 })));
  expect(left).toEqual(new Float32Array(RATE));
});

test('a source is opened once, however many tracks play it', async () => {
  const { tracks, openSource } = tracksOf({ file: sound.ones }, { file: sound.ones, startTime: 1 });
  let opened = 0;
  const counted: typeof openSource = (source) => {
    opened++;
    return openSource(source);
  };
  await mixDown(whole(2, { tracks, openSource: counted }));
  expect(opened).toBe(1);
});

test.each(['text', 'truncated', 'missing', 'garbage', 'playlist'])(
  '%s is an AudioError with the name of its track',
  async (kind) => {
    const file = path.join(folder.path, `${kind}.mp4`);
    if (kind === 'text') await writeFile(file, 'this is not a sound');
    if (kind === 'playlist') await writeFile(file, `#EXTM3U\n#EXTINF:3,\n${sound.beeps}\n#EXT-X-ENDLIST\n`);
    if (kind === 'truncated') await writeFile(file, (await readFile(sound.mute)).subarray(0, 500));
    if (kind === 'garbage') {
      const bytes = await readFile(await make(folder.path, 'whole.m4a', '-i', sound.beeps));
      const start = bytes.indexOf('mdat') + 24;
      await writeFile(file, bytes.fill(0x5a, start, bytes.indexOf('moov') - 8));
    }
    const mixed = mixDown(
      whole(2, tracksOf({ file: sound.beeps, id: 'fine' }, { file, id: 'broken one', fadeOut: 1 })),
    );
    await expect(mixed).rejects.toThrow(AudioError);
    await expect(mixed).rejects.toMatchObject({
      message: expect.stringContaining('"broken one"'),
      retryable: false,
      details: { trackId: 'broken one', source: { kind: 'url' } },
    });
    expect(await childrenLeft()).toBe(0);
  },
);

test('an error in a stretched source is its own, not that of a broken pipe', async () => {
  const file = path.join(folder.path, 'no-sound.wav');
  await writeFile(file, 'RIFF');
  await expect(mixDown(whole(2, tracksOf({ file, playbackRate: 2 })))).rejects.toThrow(AudioError);
  expect(await childrenLeft()).toBe(0);
});

describe('a file that names others', () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url ?? '');
    createReadStream(sound.beeps).pipe(response);
  });
  let at = '';
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    at = `http://127.0.0.1:${(server.address() as AddressInfo).port}/beeps.wav`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  const hls = (to: string) =>
    `#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:3,\n${to}\n#EXT-X-ENDLIST\n`;
  const kinds: Readonly<Record<string, () => string>> = {
    'an HLS playlist of an address': () => hls(at),
    'an HLS playlist of a file': () => hls(`file://${sound.beeps}`),
    'an HLS playlist of two joined': () => hls(`concat:${sound.beeps}|${sound.ones}`),
    'an HLS playlist of a part': () => hls(`subfile,,start,0,end,100000,,:${sound.beeps}`),
    'a concat script': () => `ffconcat version 1.0\nfile '${sound.beeps}'\n`,
    'a concat script of an address': () => `ffconcat version 1.0\nfile ${at}\n`,
    'a DASH manifest': () =>
      `<?xml version="1.0"?><MPD type="static" mediaPresentationDuration="PT3S" xmlns="urn:mpeg:dash:schema:mpd:2011"><Period><AdaptationSet mimeType="audio/wav"><Representation id="0" bandwidth="1"><BaseURL>${at}</BaseURL></Representation></AdaptationSet></Period></MPD>`,
    'an SDP session': () =>
      'v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n',
    'an SVG picture': () =>
      `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"><image xlink:href="${at}"/></svg>`,
  };

  test.each(Object.keys(kinds))('%s is an AudioError, and nothing is opened', async (kind) => {
    const file = path.join(folder.path, 'names-others.mp3');
    await writeFile(file, kinds[kind]?.() ?? '');
    await expect(mixDown(whole(1, tracksOf({ file })))).rejects.toThrow(AudioError);
    expect(asked).toEqual([]);
  });

  test('a name that FFmpeg would take for a protocol is the name of a file', async () => {
    for (const file of [`concat:${sound.beeps}`, `subfile,,start,0,end,9,,:${sound.beeps}`, 'data:,x', at])
      await expect(mixDown(whole(1, tracksOf({ file })))).rejects.toThrow(AudioError);
    expect(asked).toEqual([]);
  });
});
