import { styleText } from 'node:util';
import type { Command } from 'commander';
import { type Inspection, inspectComposition } from '../orchestrator/inspect.ts';
import { cancellable } from './cancellation.ts';
import { count } from './format.ts';
import {
  addCompositionOptions,
  addPageOptions,
  compositionOf,
  type JobFlags,
  pageOptionsOf,
} from './job-options.ts';

interface InspectFlags extends JobFlags {
  json?: boolean;
}

const EXAMPLES = `
Examples:
  helios-infra inspect ./intro
  helios-infra inspect https://example.com/card --fps 30 --duration 5 --json
`;

function row(name: string, value: string): string {
  return `${styleText('dim', name.padEnd(10), { stream: process.stdout })} ${value}`;
}

/** A row whose further lines stand under its first. */
function block(name: string, values: readonly string[]): string[] {
  return values.map((value, index) => row(index === 0 ? name : '', value));
}

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || Object.keys(value).length === 0;
}

function sounds({ audioTracks }: Inspection): string[] {
  return audioTracks.map((track) => {
    const told = [`from ${track.startTime.toFixed(2)} s`];
    if (track.endTime !== undefined) told.push(`to ${track.endTime.toFixed(2)} s`);
    if (track.mediaStart > 0) told.push(`beginning ${track.mediaStart.toFixed(2)} s into it`);
    if (track.loop) told.push('looped');
    if (track.playbackRate !== 1) told.push(`at ${track.playbackRate}× speed`);
    if (track.volume !== 1) told.push(`volume ${track.volume}`);
    if (track.fadeIn > 0) told.push(`fade in ${track.fadeIn} s`);
    if (track.fadeOut > 0) told.push(`fade out ${track.fadeOut} s`);
    return `${track.id}: ${track.source ?? 'made by the page'} ${told.join(', ')}`;
  });
}

function pretty(seen: Inspection): string {
  const kind = seen.kind === 'helios' ? 'Helios composition' : 'web page';
  const text = [
    row('kind', seen.title ? `${kind}: ${seen.title}` : kind),
    row('size', `${seen.width}×${seen.height}`),
    row('fps', String(seen.fps)),
    row('duration', `${seen.durationSeconds.toFixed(2)} s, ${count(seen.durationInFrames, 'frame')}`),
  ];
  if (!isEmpty(seen.inputProps))
    text.push(...block('props', JSON.stringify(seen.inputProps, null, 2).split('\n')));
  if (!isEmpty(seen.schema)) text.push(...block('schema', JSON.stringify(seen.schema, null, 2).split('\n')));
  if (!isEmpty(seen.markers)) text.push(row('markers', JSON.stringify(seen.markers)));
  if (seen.captions > 0) text.push(row('captions', String(seen.captions)));
  text.push(...block('sound', seen.audioTracks.length > 0 ? sounds(seen) : ['none']));
  const fonts = seen.fonts.map(
    ({ family, face, ofPage }) => `${family} (${face})${ofPage ? ', of the page' : ''}`,
  );
  text.push(...block('fonts', fonts.length > 0 ? fonts : ['none in the document']));
  text.push(
    ...block(
      'failed',
      seen.failedRequests.map(({ url, reason }) => `${url} ${reason}`),
    ),
  );
  text.push(
    ...block(
      'console',
      seen.console.map(
        ({ level, text: said, frame }) => `${level}${frame === null ? '' : ` at frame ${frame}`}: ${said}`,
      ),
    ),
  );
  text.push(...block('warnings', seen.warnings));
  text.push(
    ...block(
      'errors',
      seen.errors.map(({ name, message }) => `${name}: ${message}`),
    ),
  );
  return text.join('\n');
}

async function inspect(composition: string, flags: InspectFlags): Promise<void> {
  const spec = await compositionOf(composition, flags);
  const seen = await cancellable((signal) =>
    inspectComposition(spec, { page: pageOptionsOf(flags), signal }),
  );
  process.stdout.write(`${flags.json ? JSON.stringify(seen, null, 2) : pretty(seen)}\n`);
}

export function addInspectCommand(program: Command): void {
  const command = program
    .command('inspect')
    .description('Tell what a composition is: size, length, props, sounds, fonts, and what fails in it.')
    .argument('<composition>', 'a folder with an index.html, an HTML file, or a URL')
    .option('--json', 'tell it as JSON');
  addPageOptions(addCompositionOptions(command)).addHelpText('after', EXAMPLES).action(inspect);
}
