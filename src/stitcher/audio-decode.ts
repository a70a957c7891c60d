import type { AudioTrack } from '../types/audio.ts';
import { AudioError, EncoderError } from '../utils/errors.ts';
import { runFfmpeg, startFfmpeg } from '../utils/ffmpeg.ts';
import { type PcmStream, readPcm } from './audio-pcm.ts';
import { pcmOutput, stop } from './audio-process.ts';
import { SAMPLE_RATE } from './audio-timeline.ts';

/** What browsers play. Playlists, which would open further files, are not among it. */
const FORMATS = 'aac,flac,matroska,mov,mp3,ogg,wav';
const NETWORK_TIMEOUT_US = 30_000_000;

/**
 * Time 0 of the file is sample 0: a sound that starts late begins with silence, and a hole is filled. Mono goes
 * to both sides at full level, as in browsers (FFmpeg by itself takes 3 dB off).
 */
const TO_STEREO = [
  `aresample=${SAMPLE_RATE}:async=1:first_pts=0`,
  'aformat=sample_fmts=flt:channel_layouts=mono|stereo',
  'pan=stereo|FL=FL+FC|FR=FR+FC',
].join(',');

function input(address: string): string[] {
  const remote = /^https?:/.test(address);
  const access = remote
    ? [
        '-protocol_whitelist',
        'http,https,tcp,tls',
        '-rw_timeout',
        String(NETWORK_TIMEOUT_US),
        '-reconnect',
        '1',
      ]
    : ['-protocol_whitelist', 'file,pipe'];
  const streams = ['-vn', '-sn', '-dn'];
  return [...access, '-format_whitelist', FORMATS, ...streams, '-i', remote ? address : `file:${address}`];
}

/** Whether FFmpeg itself said no, rather than that somebody killed it. */
function isRefusal(error: unknown): error is EncoderError {
  return error instanceof EncoderError && error.details.signal === null;
}

/**
 * Whether a file opens and has no sound, as against one that can't be read. FFmpeg writes its metadata, with a
 * line `[STREAM]` for each stream mapped.
 */
async function isSilent(address: string, signal: AbortSignal | undefined): Promise<boolean> {
  const sound = ['-map', '0:a:0?', '-c', 'copy', '-t', '0'];
  const output = ['-map_metadata', '-1', '-f', 'ffmetadata', 'pipe:1'];
  try {
    const metadata = await runFfmpeg([...input(address), ...sound, ...output], { signal });
    return !metadata.toString().split('\n').includes('[STREAM]');
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}

/**
 * A track's source from its first sample to its last. A file without a sound, such as a silent video, gives none.
 * @param address a file, or an http(s) URL
 * @throws AudioError when it can't be read or decoded
 */
export async function* decodePcm(
  track: AudioTrack,
  address: string,
  signal: AbortSignal | undefined,
): PcmStream {
  const ffmpeg = startFfmpeg([...input(address), '-map', '0:a:0', '-af', TO_STEREO, ...pcmOutput], {
    signal,
  });
  ffmpeg.stdin.end();
  let heard = false;
  try {
    for await (const block of readPcm(ffmpeg.stdout)) {
      heard = true;
      yield block;
    }
    await ffmpeg.done;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    if (heard || !(await isSilent(address, signal))) throw undecodable(track, error);
  } finally {
    await stop(ffmpeg);
  }
}

function undecodable({ id, source }: AudioTrack, cause: EncoderError): AudioError {
  const where = source.kind === 'url' ? source.url : `blob ${source.sha256}`;
  return new AudioError(
    `The sound of track ${JSON.stringify(id)} can't be decoded (${where}). Give it a file that browsers play, such as WAV, MP3, AAC, Opus, Vorbis or FLAC.`,
    { cause, details: { trackId: id, source, exitCode: cause.details.exitCode } },
  );
}
