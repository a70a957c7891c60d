import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { AudioCodec, Encoding, VideoCodec } from '../types/encoding.ts';
import { ValidationError } from '../utils/errors.ts';
import { compositionSource, type JobBase } from './job-options.ts';
import { codecOfOutput } from './output-codec.ts';
import { type ParsedCommand, parseCommand } from './split-command.ts';

/** What `helios render --emit-job` writes. */
const emittedJobSchema = z.looseObject({
  metadata: z
    .looseObject({
      totalFrames: z.int().min(1).optional(),
      fps: z.number().optional(),
      width: z.number().optional(),
      height: z.number().optional(),
    })
    .prefault({}),
  chunks: z
    .array(
      z.looseObject({
        startFrame: z.int().min(0),
        frameCount: z.int().min(1),
        outputFile: z.string().default(''),
        command: z.string().min(1),
      }),
    )
    .min(1)
    .max(10_000),
  mergeCommand: z.string().default(''),
});
type EmittedJob = z.output<typeof emittedJobSchema>;

const VIDEO_CODECS: Readonly<Record<string, VideoCodec>> = {
  libx264: 'h264',
  h264: 'h264',
  libx265: 'h265',
  h265: 'h265',
  hevc: 'h265',
  libvpx: 'vp8',
  vp8: 'vp8',
  'libvpx-vp9': 'vp9',
  vp9: 'vp9',
  prores_ks: 'prores',
  prores: 'prores',
  gif: 'gif',
  png: 'png',
  mjpeg: 'jpeg',
};
const AUDIO_CODECS: Readonly<Record<string, AudioCodec>> = {
  aac: 'aac',
  libopus: 'opus',
  opus: 'opus',
  libmp3lame: 'mp3',
  mp3: 'mp3',
  pcm_s16le: 'wav',
};

const NO_COMMAND: ParsedCommand = { words: [], later: [], flags: new Map() };

function fail(subject: string, message: string): never {
  throw new ValidationError(`The job file is not valid: ${subject}: ${message}`, {
    details: { issues: [{ path: subject, message }] },
  });
}

/** The flag of the first command that has it under one of its names. */
function flag(commands: readonly ParsedCommand[], ...names: string[]): string | undefined {
  for (const { flags } of commands) {
    for (const name of names) if (flags.get(name)) return flags.get(name);
  }
  return undefined;
}

function translate<T>(
  table: Readonly<Record<string, T>>,
  what: string,
  name: string | undefined,
): T | undefined {
  if (name === undefined || name === 'copy') return undefined;
  return (
    table[name] ?? fail(what, `${JSON.stringify(name)} is not known; use ${Object.keys(table).join(', ')}`)
  );
}

/** The frames of all chunks, which must follow one another without a gap. */
function rangeOf({ chunks, metadata }: EmittedJob): [number, number] {
  const sorted = [...chunks].sort((a, b) => a.startFrame - b.startFrame);
  const start = sorted[0]?.startFrame ?? 0;
  let end = start;
  for (const { startFrame, frameCount } of sorted) {
    if (startFrame !== end)
      fail('chunks', `frame ${end} should follow, and the next chunk starts at ${startFrame}`);
    end += frameCount;
  }
  const { totalFrames = end - start } = metadata;
  if (totalFrames !== end - start) {
    fail('metadata.totalFrames', `is ${totalFrames}, and the chunks have ${end - start} frames`);
  }
  return [start, end];
}

/** What stands between a command's verb and its first flag; upstream quotes nothing, so spaces belong to it. */
function inputOf({ words, later }: ParsedCommand): string {
  const verb = words.indexOf('render');
  const input = words.slice(verb + 1).join(' ') || later[0];
  return verb >= 0 && input ? input : fail('chunks.0.command', 'names no composition');
}

/** The output of a merge command: what stands before the first chunk's file. */
function mergeOutput({ mergeCommand, chunks }: EmittedJob): string | undefined {
  const { words } = parseCommand(mergeCommand);
  const verb = words.indexOf('merge');
  if (verb < 0) return undefined;
  const parts = words.slice(verb + 1);
  const [firstPart = ''] = chunks.map(({ outputFile }) => parseCommand(outputFile).words.join(' '));
  const joined = parts.join(' ');
  const at = firstPart === '' ? -1 : joined.indexOf(` ${firstPart}`);
  return (at > 0 ? joined.slice(0, at) : parts[0]) || undefined;
}

/** Relative inputs are seen from the job file, as upstream writes them; older versions saw them from the shell. */
function locate(source: string, folder: string): string {
  if (/^[a-z]+:\/\//i.test(source)) return compositionSource(source);
  const beside = path.resolve(folder, source);
  return existsSync(beside) ? beside : path.resolve(source);
}

function codecFor(merge: ParsedCommand, chunk: ParsedCommand, output: string): VideoCodec | undefined {
  const wanted = translate(VIDEO_CODECS, 'mergeCommand', flag([merge], 'video-codec', 'codec'));
  return wanted ?? codecOfOutput(output, VIDEO_CODECS[flag([chunk], 'video-codec', 'codec') ?? '']);
}

function definedNumber(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : fail(name, `${JSON.stringify(text)} is not a number`);
}

/** Translates an emitted job; nothing in it is run. */
function translateJob(job: EmittedJob, folder: string): JobBase & { source: string } {
  const [start, end] = rangeOf(job);
  const chunk = parseCommand(job.chunks[0]?.command ?? '');
  const merge = job.mergeCommand ? parseCommand(job.mergeCommand) : NO_COMMAND;
  const source = inputOf(chunk);
  const other = job.chunks.find(({ command }) => inputOf(parseCommand(command)) !== source);
  if (other) fail('chunks', 'render more than one composition');

  const { metadata } = job;
  const output = mergeOutput(job) ?? flag([merge], 'output', 'o') ?? 'out.mp4';
  const both = [merge, chunk];
  const encoding = {
    codec: codecFor(merge, chunk, output),
    crf: definedNumber(flag(both, 'quality', 'crf'), 'quality'),
    bitrate: flag(both, 'bitrate', 'video-bitrate'),
    preset: flag(both, 'preset') as Encoding['preset'],
    pixelFormat: flag(both, 'pixel-format') as Encoding['pixelFormat'],
    // The chunks' own sound is only upstream's way between two steps.
    audioCodec: translate(AUDIO_CODECS, 'mergeCommand', flag([merge], 'audio-codec')),
    audioBitrate: flag([merge], 'audio-bitrate'),
  };
  return {
    source: locate(source, folder),
    composition: {
      source,
      width: definedNumber(flag([chunk], 'width'), 'width') ?? metadata.width,
      height: definedNumber(flag([chunk], 'height'), 'height') ?? metadata.height,
      fps: flag([chunk], 'fps') ?? metadata.fps,
      durationInFrames: end,
    },
    frameRange: [start, end],
    outputPath: path.resolve(folder, output),
    encoding: Object.fromEntries(Object.entries(encoding).filter(([, value]) => value !== undefined)),
    chunking: { segments: job.chunks.length },
  };
}

/**
 * Reads upstream's `job.json`: its flags and the number of its chunks. Its commands are never run.
 * @throws ValidationError
 */
export async function readEmittedJob(file: string): Promise<JobBase & { source: string }> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new ValidationError(`The job file ${file} can't be read.`, { cause });
  });
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (cause) {
    throw new ValidationError(`The job file ${file} is not JSON.`, { cause });
  }
  const parsed = emittedJobSchema.safeParse(content);
  if (!parsed.success) throw ValidationError.fromZod('job file', parsed.error);
  return translateJob(parsed.data, path.dirname(path.resolve(file)));
}
