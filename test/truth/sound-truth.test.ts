import { execFile } from 'node:child_process';
import { copyFile, cp, symlink } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { capturePaths } from '../../src/types/render-job.ts';
import { type DecodedAudio, decodeAudio, findOnsets } from '../helpers/decode-audio.ts';
import { probe } from '../helpers/media-info.ts';
import { example, fixture, type JobSketch, type Rendered, Renderer } from '../helpers/renderer.ts';
import { ffmpegPath, runTool } from '../helpers/tools.ts';

const RATE = 48_000;
/** One frame of AAC, in seconds. */
const AAC_FRAME = 1024 / RATE;
/** Of a tone of half of full scale. */
const TONE = 0.5 / Math.SQRT2;

let renderer: Renderer;
/** The fixture `sounds`, with a film that has a sound and one that has none. */
let sounds: string;
beforeAll(async () => {
  renderer = await Renderer.open();
  sounds = path.join(renderer.folder, 'sounds');
  await cp(fixture('sounds'), sounds, { recursive: true });
  // Where the bundle finds @helios-project/core.
  await symlink(fixture('../../node_modules'), path.join(renderer.folder, 'node_modules'));
  await copyFile(path.join(fixture('barcode-video-30'), 'clip.mp4'), path.join(sounds, 'silent.mp4'));
  const inputs = ['-i', path.join(sounds, 'silent.mp4'), '-i', path.join(sounds, 'beeps.flac')];
  await promisify(execFile)(ffmpegPath, [
    ...['-loglevel', 'error', ...inputs, '-c:v', 'copy', '-c:a', 'aac', '-t', '3'],
    path.join(sounds, 'film.mp4'),
  ]);
});
afterAll(() => renderer[Symbol.asyncDispose]());

function rms({ samples }: DecodedAudio, from: number, to: number): number {
  const part = samples.subarray(Math.round(from * RATE), Math.round(to * RATE));
  return Math.sqrt(part.reduce((sum, sample) => sum + sample * sample, 0) / part.length);
}

/** Loud as it should be, within the 4 % that AAC may take from a pure tone. */
function expectLevel(level: number, wanted: number): void {
  expect(Math.abs(level / wanted - 1), `${level} instead of ${wanted}`).toBeLessThan(0.04);
}

/** Each onset within one AAC frame of where it should be, and no other. */
function expectOnsets({ samples }: DecodedAudio, wanted: readonly number[], slack = AAC_FRAME): void {
  const onsets = findOnsets(samples, RATE);
  expect(onsets).toHaveLength(wanted.length);
  for (const [index, onset] of onsets.entries()) {
    const off = Math.abs(onset - (wanted[index] as number));
    expect(off, `onsets ${onsets.join(' ')}, wanted ${wanted.join(' ')}`).toBeLessThanOrEqual(slack);
  }
}

async function soundOf(job: JobSketch): Promise<Rendered & { audio: DecodedAudio }> {
  const rendered = await renderer.render(job);
  return { ...rendered, audio: await decodeAudio(rendered.file) };
}

describe('a beep each second', () => {
  const composition = { source: fixture('beeps') };

  test('lands on each whole second', async () => {
    const { audio, file } = await soundOf({ composition, chunking: { segments: 1 } });
    expectOnsets(audio, [0, 1, 2, 3, 4, 5]);
    for (const second of [0, 1, 2, 3, 4, 5]) {
      expectLevel(rms(audio, second + 0.005, second + 0.045), TONE);
      expect(rms(audio, second + 0.1, second + 0.95)).toBeLessThan(0.001);
    }
    const stream = (await probe(file)).streams.find(({ codec_type }) => codec_type === 'audio');
    expect(stream).toMatchObject({ codec_name: 'aac', sample_rate: '48000', channels: 2 });
    expect(Number(stream?.start_time)).toBe(0);
    expect(Math.abs(Number(stream?.duration) - 6)).toBeLessThanOrEqual(AAC_FRAME);
    expect(Math.abs(audio.samples.length - 6 * RATE)).toBeLessThanOrEqual(1024);
  });

  test.each([3, 7])('sounds sample for sample the same in %i segments', async (segments) => {
    const whole = await soundOf({ composition, chunking: { segments: 1 } });
    const parts = await soundOf({ composition, chunking: { segments } });
    expect(parts.records).toHaveLength(segments);
    expectOnsets(parts.audio, [0, 1, 2, 3, 4, 5]);
    expect(Buffer.from(parts.audio.samples.buffer).equals(Buffer.from(whole.audio.samples.buffer))).toBe(
      true,
    );
  });

  test.each<[[number, number], number[]]>([
    [
      [45, 135],
      [0.5, 1.5, 2.5],
    ],
    [
      [30, 61],
      [0, 1],
    ],
    [[29, 59], [1 / 30]],
  ])('lands where it should in the range %j', async (frameRange, wanted) => {
    const { audio } = await soundOf({ composition, frameRange, chunking: { segments: 2 } });
    expectOnsets(audio, wanted);
    const length = ((frameRange[1] - frameRange[0]) / 30) * RATE;
    expect(Math.abs(audio.samples.length - length)).toBeLessThanOrEqual(1024);
  });

  test('lands where it should at 30000/1001 frames a second', async () => {
    const { audio, result } = await soundOf({
      composition: { ...composition, fps: '30000/1001' },
      frameRange: [37, 118],
      chunking: { segments: 3 },
    });
    const start = (37 * 1001) / 30_000;
    expectOnsets(audio, [2 - start, 3 - start]);
    expect(result.durationSeconds).toBeCloseTo((81 * 1001) / 30_000, 9);
  });

  test('is exact to the sample when it is not compressed', async () => {
    const { audio } = await soundOf({
      composition,
      frameRange: [45, 75],
      encoding: { codec: 'prores', audioCodec: 'wav' },
      extension: 'mov',
    });
    expect(audio.samples).toHaveLength(RATE);
    // A sine's first sample is 0, and its second one is seen.
    expect(audio.samples.findIndex((sample) => Math.abs(sample) > 1e-4)).toBe(RATE / 2 + 1);
  });
});

/** A page whose content the test writes: `html` in the body, then `script`. */
const page = (inputProps: { html?: string; script?: string }, entry = 'index.html'): JobSketch => ({
  composition: { source: path.join(sounds, entry), inputProps },
  // What is heard does not ask for every picture.
  encoding: { everyNthFrame: 5 },
});
const heliosPage = (inputProps: { html?: string; script?: string }) => page(inputProps, 'helios.html');

describe('where a sound starts and ends', () => {
  test.each<[string, { html?: string; script?: string }, number[]]>([
    ['an element in the page', { html: '<audio src="beeps.flac" autoplay></audio>' }, [0, 1, 2, 3]],
    ['a <source> element', { html: '<audio><source src="beeps.flac"></audio>' }, [0, 1, 2, 3]],
    [
      'an element that a timer inserts',
      {
        script: `setTimeout(() => document.body.insertAdjacentHTML('beforeend',
          '<audio src="beeps.flac" autoplay></audio>'), 1200)`,
      },
      [1.2, 2.2, 3.2],
    ],
    [
      'new Audio().play() called by a timer',
      { script: `setTimeout(() => new Audio('beeps.flac').play(), 1500)` },
      [1.5, 2.5, 3.5],
    ],
    [
      'new Audio().play() between two frames',
      { script: `setTimeout(() => new Audio('beeps.flac').play(), 1530)` },
      [1.53, 2.53, 3.53],
    ],
    [
      'one Audio played twice',
      {
        script: `const beep = new Audio('beep.flac');
          setTimeout(() => beep.play(), 500);
          setTimeout(() => { beep.currentTime = 0; beep.play(); }, 1700);`,
      },
      [0.5, 1.7],
    ],
    [
      'two Audios of one file',
      { script: `for (const ms of [700, 2300]) setTimeout(() => new Audio('beep.flac').play(), ms)` },
      [0.7, 2.3],
    ],
    [
      'an element of the page that a timer starts',
      {
        html: '<audio src="beeps.flac"></audio>',
        script: `setTimeout(() => document.querySelector('audio').play(), 1500)`,
      },
      [1.5, 2.5, 3.5],
    ],
    [
      'an element that is moved to another place',
      {
        html: '<audio src="beeps.flac" autoplay></audio>',
        script: `setTimeout(() => { document.querySelector('audio').currentTime = 0.6 }, 1300)`,
      },
      [0, 1, 1.7, 2.7, 3.7],
    ],
    [
      'an element that is paused',
      {
        html: '<audio src="beeps.flac" autoplay></audio>',
        script: `setTimeout(() => document.querySelector('audio').pause(), 1500)`,
      },
      [0, 1],
    ],
    [
      'an element that is removed',
      {
        html: '<audio src="beeps.flac" autoplay></audio>',
        script: `setTimeout(() => document.querySelector('audio').remove(), 2500)`,
      },
      [0, 1, 2],
    ],
    [
      'an element in a shadow root',
      {
        script: `const host = document.body.appendChild(document.createElement('div'));
          host.attachShadow({ mode: 'closed' }).innerHTML = '<audio src="beeps.flac" autoplay></audio>';`,
      },
      [0, 1, 2, 3],
    ],
    [
      'an element in an iframe',
      { html: `<iframe srcdoc="&lt;audio src='/beeps.flac' autoplay>&lt;/audio>"></iframe>` },
      [0, 1, 2, 3],
    ],
    ['a film', { html: '<video src="film.mp4" autoplay></video>' }, [0, 1, 2]],
    [
      'data-helios-offset',
      { html: '<audio src="beeps.flac" data-helios-offset="1.25"></audio>' },
      [1.25, 2.25, 3.25],
    ],
    [
      'data-helios-seek',
      { html: '<audio src="beeps.flac" data-helios-seek="0.6"></audio>' },
      [0.4, 1.4, 2.4, 3.4],
    ],
    [
      'data-helios-offset with data-helios-seek',
      { html: '<audio src="beeps.flac" data-helios-offset="1" data-helios-seek="0.6"></audio>' },
      [1.4, 2.4, 3.4],
    ],
    ['loop', { html: '<audio src="beep.flac" loop></audio>' }, [0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5]],
  ])('%s', async (_, inputProps, wanted) => {
    const { audio } = await soundOf(page(inputProps));
    expectOnsets(audio, wanted);
    expect(Math.abs(audio.samples.length - 4 * RATE)).toBeLessThanOrEqual(1024);
  });

  test.each<[number, number[]]>([
    [2, [0, 0.5, 1, 1.5, 2, 2.5]],
    [0.7, [0, 1 / 0.7, 2 / 0.7]],
  ])('playbackRate %f', async (rate, wanted) => {
    const script = `document.querySelector('audio').playbackRate = ${rate}`;
    const { audio } = await soundOf(page({ html: '<audio src="beeps.flac"></audio>', script }));
    // What changes the tempo without the pitch works in windows, and moves a lone beep by up to half of one.
    expectOnsets(audio, wanted, 0.04);
  });

  test('the same bytes, whichever way pictures are taken', async () => {
    const script = `setTimeout(() => new Audio('beeps.flac').play(), 1530);
      setTimeout(() => document.querySelector('audio').remove(), 2500);`;
    const tracks: Buffer[] = [];
    for (const capture of capturePaths) {
      const { audio, file, result } = await soundOf({
        ...page({ html: '<audio src="beeps.flac" autoplay></audio>', script }),
        page: { capture },
        cache: false,
      });
      expect(Object.keys(result.capture)).toEqual([capture]);
      expectOnsets(audio, [0, 1, 1.53, 2, 2.53, 3.53]);
      const copy = ['-map', '0:a', '-c', 'copy', '-f', 'adts', '-'];
      tracks.push(await runTool(ffmpegPath, ['-loglevel', 'error', '-i', file, ...copy]));
    }
    expect(tracks.every((track) => track.equals(tracks[0] as Buffer))).toBe(true);
  });

  test('a blob that the page made', async () => {
    const script = `
      const samples = Int16Array.from({ length: 48000 }, (_, i) => 16384 * Math.sin((2 * Math.PI * 1000 * i) / 48000));
      const wav = new DataView(new ArrayBuffer(44));
      [...'RIFF'].forEach((c, i) => wav.setUint8(i, c.charCodeAt()));
      wav.setUint32(4, 36 + samples.byteLength, true);
      [...'WAVEfmt '].forEach((c, i) => wav.setUint8(8 + i, c.charCodeAt()));
      wav.setUint32(16, 16, true);
      wav.setUint16(20, 1, true);
      wav.setUint16(22, 1, true);
      wav.setUint32(24, 48000, true);
      wav.setUint32(28, 96000, true);
      wav.setUint16(32, 2, true);
      wav.setUint16(34, 16, true);
      [...'data'].forEach((c, i) => wav.setUint8(36 + i, c.charCodeAt()));
      wav.setUint32(40, samples.byteLength, true);
      const url = URL.createObjectURL(new Blob([wav, samples], { type: 'audio/wav' }));
      setTimeout(() => new Audio(url).play(), 1000);`;
    const { audio } = await soundOf(page({ script }));
    expectOnsets(audio, [1]);
    expectLevel(rms(audio, 1.1, 1.9), TONE);
    expect(rms(audio, 2.1, 3.9)).toBeLessThan(0.001);
  });

  test('a blob that the page fetched', async () => {
    const script = `fetch('beeps.flac').then((response) => response.blob()).then((blob) => {
      const audio = document.body.appendChild(document.createElement('audio'));
      audio.src = URL.createObjectURL(blob);
    })`;
    const { audio } = await soundOf(page({ script }));
    expectOnsets(audio, [0, 1, 2, 3]);
  });
});

describe('levels', () => {
  // Not compressed: FFmpeg's AAC takes up to 3 dB from a lone tone that is louder than 0.45 of full scale.
  const levelsOf = (job: JobSketch) =>
    soundOf({ ...job, encoding: { codec: 'prores', audioCodec: 'wav' }, extension: 'mov' });
  const tone = (attributes: string, script = '') =>
    page({ html: `<audio src="tone.flac" ${attributes}></audio>`, script });

  test('a tone is as loud as it was, to its end', async () => {
    const { audio } = await levelsOf(tone(''));
    expect(audio.samples).toHaveLength(4 * RATE);
    expect(rms(audio, 0, 3)).toBeCloseTo(TONE, 4);
    expect(rms(audio, 3, 4)).toBe(0);
  });

  test('two tones add up, and nothing is normalised', async () => {
    const html = '<audio src="tone.flac"></audio><audio src="tone.flac" data-helios-offset="1"></audio>';
    const { audio } = await levelsOf(page({ html }));
    expectLevel(rms(audio, 0.1, 0.9), TONE);
    expectLevel(rms(audio, 1.1, 2.9), 2 * TONE);
    expectLevel(rms(audio, 3.1, 3.9), TONE);
  });

  test.each([0.25, 0.5])('volume %f', async (volume) => {
    const { audio } = await levelsOf(tone('', `document.querySelector('audio').volume = ${volume}`));
    expectLevel(rms(audio, 0.1, 2.9), volume * TONE);
  });

  test('data-helios-fade-in', async () => {
    const { audio } = await levelsOf(tone('data-helios-fade-in="2"'));
    expectLevel(rms(audio, 0.49, 0.51), 0.25 * TONE);
    expectLevel(rms(audio, 0.99, 1.01), 0.5 * TONE);
    expectLevel(rms(audio, 2.1, 2.9), TONE);
  });

  test('data-helios-fade-out ends where the sound ends', async () => {
    const { audio } = await levelsOf(tone('data-helios-fade-out="2"'));
    expectLevel(rms(audio, 0.1, 0.9), TONE);
    expectLevel(rms(audio, 1.99, 2.01), 0.5 * TONE);
    expectLevel(rms(audio, 2.49, 2.51), 0.25 * TONE);
  });

  test('data-helios-fade-easing', async () => {
    const { audio } = await levelsOf(tone('data-helios-fade-in="2" data-helios-fade-easing="quad.in"'));
    expectLevel(rms(audio, 0.99, 1.01), 0.25 * TONE);
  });

  test('a page that fades its element itself keeps the base volume and its own fades', async () => {
    const { audio } = await levelsOf(
      tone(
        'data-helios-fade-in="1"',
        `const audio = document.querySelector('audio');
         audio.volume = 0;
         requestAnimationFrame(function tick(ms) { audio.volume = 0.6 * Math.min(1, ms / 1000); requestAnimationFrame(tick); })`,
      ),
    );
    expectLevel(rms(audio, 0.49, 0.51), 0.3 * TONE);
    expectLevel(rms(audio, 1.1, 2.9), 0.6 * TONE);
  });

  test('a loop has no seam', async () => {
    const { audio } = await levelsOf(tone('loop'));
    for (let at = 2.8; at < 3.2; at += 0.01) expect(rms(audio, at, at + 0.01)).toBeCloseTo(TONE, 3);
    // From one sample of 1 kHz at 0.5 to the next there are at most 0.066.
    const { samples } = audio;
    for (const [index, sample] of samples.entries())
      if (index > 0 && Math.abs(sample - (samples[index - 1] ?? 0)) > 0.067)
        throw new Error(`a click at ${index / RATE} s`);
  });
});

describe('nothing to hear', () => {
  test.each([
    ['muted', '<audio src="tone.flac" muted></audio>'],
    ['data-helios-no-audio', '<audio src="tone.flac" data-helios-no-audio></audio>'],
    ['an element without a source', '<audio></audio>'],
    ['no element', '<p>silence</p>'],
  ])('%s', async (_, html) => {
    const { file, result } = await renderer.render(page({ html }));
    expect(result.audioTracks).toBe(0);
    expect((await probe(file)).streams.map(({ codec_type }) => codec_type)).toEqual(['video']);
  });

  test('volume 0', async () => {
    const job = page({
      html: '<audio src="tone.flac"></audio>',
      script: `document.querySelector('audio').volume = 0`,
    });
    expect((await renderer.render(job)).result.audioTracks).toBe(0);
  });

  test('a film without a sound', async () => {
    const { audio } = await soundOf(page({ html: '<video src="silent.mp4" autoplay></video>' }));
    expect(rms(audio, 0, 3.9)).toBeLessThan(0.001);
  });

  test('a job that is muted', async () => {
    const job = page({ html: '<audio src="tone.flac"></audio>' });
    const { file } = await renderer.render({ ...job, encoding: { muted: true } });
    expect((await probe(file)).streams).toHaveLength(1);
  });
});

describe('Helios', () => {
  const declare = (track: Record<string, unknown>) =>
    `helios.setAvailableAudioTracks([${JSON.stringify({ id: 'one', src: 'tone.flac', duration: 3, ...track })}]);`;

  test('a track that has no element', async () => {
    const { audio } = await soundOf(heliosPage({ script: declare({ startTime: 1 }) }));
    expectOnsets(audio, [1]);
    expectLevel(rms(audio, 1.1, 3.9), TONE);
  });

  test('fades of a track that has no element', async () => {
    const script = declare({ startTime: 0, fadeInDuration: 1, fadeOutDuration: 1 });
    const { audio } = await soundOf(heliosPage({ script }));
    expectLevel(rms(audio, 0.49, 0.51), 0.5 * TONE);
    expectLevel(rms(audio, 1.1, 1.9), TONE);
    expectLevel(rms(audio, 2.49, 2.51), 0.5 * TONE);
  });

  test('audioTracks: volume', async () => {
    const script = `${declare({ startTime: 0 })} helios.setAudioTrackVolume('one', 0.3);`;
    const { audio } = await soundOf(heliosPage({ script }));
    expectLevel(rms(audio, 0.1, 2.9), 0.3 * TONE);
  });

  test('audioTracks: muted', async () => {
    const script = `${declare({ startTime: 0 })} helios.setAudioTrackMuted('one', true);`;
    expect((await renderer.render(heliosPage({ script }))).result.audioTracks).toBe(0);
  });

  test('setAudioVolume', async () => {
    const script = `${declare({ startTime: 0 })} helios.setAudioVolume(0.5);`;
    const { audio } = await soundOf(heliosPage({ script }));
    expectLevel(rms(audio, 0.1, 2.9), 0.5 * TONE);
  });

  const element = '<audio src="tone.flac" data-helios-track-id="one"></audio>';

  test('an element with a track id is heard once', async () => {
    const { audio, result } = await soundOf(heliosPage({ html: element, script: declare({ startTime: 0 }) }));
    expect(result.audioTracks).toBe(1);
    expectLevel(rms(audio, 0.1, 2.9), TONE);
  });

  test("audioTracks: an element's volume", async () => {
    const script = `helios.setAudioTrackVolume('one', 0.3);`;
    const { audio } = await soundOf(heliosPage({ html: element, script }));
    expectLevel(rms(audio, 0.1, 2.9), 0.3 * TONE);
  });

  test("audioTracks: an element's mute", async () => {
    const script = `helios.setAudioTrackMuted('one', true);`;
    expect((await renderer.render(heliosPage({ html: element, script }))).result.audioTracks).toBe(0);
  });

  test('setAudioVolume with an element', async () => {
    const { audio } = await soundOf(heliosPage({ html: element, script: 'helios.setAudioVolume(0.5);' }));
    expectLevel(rms(audio, 0.1, 2.9), 0.5 * TONE);
  });

  test('core with autoSyncAnimations keeps an element where its attributes put it', async () => {
    const html = '<audio src="beeps.flac" data-helios-offset="0.5" data-helios-seek="0.2"></audio>';
    const { audio } = await soundOf(heliosPage({ html, script: 'helios.bindToDocumentTimeline();' }));
    expectOnsets(audio, [1.3, 2.3, 3.3]);
  });
});

test('examples/video-and-music sounds, and fades in and out', async () => {
  const { audio } = await soundOf({
    composition: { source: example('video-and-music') },
    encoding: { scale: 0.1, everyNthFrame: 10 },
    chunking: { segments: 2 },
  });
  const second = (at: number) => rms(audio, at, at + 0.5);
  expect(Math.abs(audio.samples.length - 6 * RATE)).toBeLessThanOrEqual(1024);
  expect(second(2.5)).toBeGreaterThan(0.02);
  expect(second(0)).toBeLessThan(0.6 * second(1.5));
  expect(second(5.5)).toBeLessThan(0.6 * second(4));
  expect(audio.samples.reduce((peak, sample) => Math.max(peak, Math.abs(sample)), 0)).toBeLessThanOrEqual(1);
});
