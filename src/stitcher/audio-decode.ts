import type { AudioTrack } from '../types/audio.ts';
import { AudioError, EncoderError } from '../utils/errors.ts';
import { runFfmpeg, startFfmpeg } from '../utils/ffmpeg.ts';
import { type PcmStream, readPcm } from './audio-pcm.ts';
import { pcmOutput, stop } from './audio-process.ts';
import { SAMPLE_RATE } from './audio-timeline.ts';

/** What browsers play. Playlists, which would open further files, are not among it. */
const FORMATS = 'aac,flac,matroska,mov,mp3,ogg,wav';

/**
 * Time 0 of the file is sample 0: a sound that starts late begins with silence, and a hole is filled. Mono goes
 * to both sides at full level, as in browsers (FFmpeg by itself takes 3 dB off).
 */
const TO_STEREO = [
  `aresample=${SAMPLE_RATE}:async=1:first_pts=0`,
  'aformat=sample_fmts=flt:channel_layouts=mono|stereo',
  'pan=stereo|FL=FL+FC|FR=FR+FC',
].join(',');

function input(file: string): string[] {
  const allowed = ['-protocol_whitelist', 'file,pipe', '-format_whitelist', FORMATS];
  return [...allowed, '-vn', '-sn', '-dn', '-i', `file:${file}`];
}

/** Whether FFmpeg itself said no, rather than that somebody killed it. */
function isRefusal(error: unknown): error is EncoderError {
  return error instanceof EncoderError && error.details.signal === null;
}

/**
 * Whether a file opens and has no sound, as against one that can't be read. FFmpeg writes its metadata, with a
 * line `[STREAM]` for each stream mapped.
 */
async function isSilent(file: string, signal: AbortSignal | undefined): Promise<boolean> {
  const sound = ['-map', '0:a:0?', '-c', 'copy', '-t', '0'];
  const output = ['-map_metadata', '-1', '-f', 'ffmetadata', 'pipe:1'];
  try {
    const metadata = await runFfmpeg([...input(file), ...sound, ...output], { signal });
    return !metadata.toString().split('\n').includes('[STREAM]');
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}

/**
 * A track's source from its first sample to its last. A file without a sound, such as a silent video, gives none.
 * @throws AudioError when it can't be read or decoded
 */
export async function* decodePcm(
  track: AudioTrack,
  file: string,
  signal: AbortSignal | undefined,
): PcmStream {
  const ffmpeg = startFfmpeg([...input(file), '-map', '0:a:0', '-af', TO_STEREO, ...pcmOutput], {
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
    if (heard || !(await isSilent(file, signal))) throw undecodable(track, error);
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
