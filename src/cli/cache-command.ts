import type { Command } from 'commander';
import { type Amount, cacheSize, listCache } from '../orchestrator/cache-list.ts';
import { type PruneLimits, pruneCache } from '../orchestrator/cache-prune.ts';
import { scanCache } from '../orchestrator/cache-scan.ts';
import { openStore } from '../storage/open-store.ts';
import { ValidationError } from '../utils/errors.ts';
import { ageFlag, bytesFlag } from './flag-values.ts';
import { count, formatAge, formatBytes } from './format.ts';

interface CacheFlags {
  json?: boolean;
}

const EXAMPLES = `
Examples:
  helios-infra cache list
  helios-infra cache prune --older-than 7d
  HELIOS_STORE=s3://bucket/farm helios-infra cache prune --max-size 10GB
`;

const SHORT = 12;
const MOST_NAMES = 3;

function tell<T>(value: T, { json }: CacheFlags, lines: (value: T) => readonly string[]): void {
  process.stdout.write(`${json ? JSON.stringify(value) : lines(value).join('\n')}\n`);
}

function amount({ objects, bytes }: Amount): string {
  return `${count(objects, 'object')}, ${formatBytes(bytes)}`;
}

function names(ids: readonly string[]): string {
  const more = ids.length - MOST_NAMES;
  return ids.slice(0, MOST_NAMES).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

async function list(flags: CacheFlags): Promise<void> {
  const store = openStore();
  tell({ store: store.url, ...listCache(await scanCache(store)) }, flags, ({ contents, bundles }) => {
    const segments = contents.map(({ content, segments, bytes, newest, bundle, renders }) => {
      const of = bundle === null ? '' : ` of bundle ${bundle.slice(0, SHORT)}`;
      const used = renders.length === 0 ? '' : `, in ${names(renders)}`;
      return `  ${content.slice(0, SHORT)}  ${count(segments, 'segment')}, ${formatBytes(bytes)}, used ${formatAge(newest)} ago${of}${used}`;
    });
    const files = bundles.map(
      ({ bundle, files, bytes, modified }) =>
        `  ${bundle.slice(0, SHORT)}  ${count(files, 'file')}, ${formatBytes(bytes)}, used ${formatAge(modified)} ago`,
    );
    return [
      store.url,
      segments.length > 0 ? 'Segments:' : 'No segments.',
      ...segments,
      files.length > 0 ? 'Bundles:' : 'No bundles.',
      ...files,
    ];
  });
}

async function size(flags: CacheFlags): Promise<void> {
  const store = openStore();
  tell({ store: store.url, ...cacheSize(await scanCache(store)) }, flags, ({ store: url, ...parts }) => [
    url,
    ...Object.entries(parts).map(([name, part]) => `  ${name.padEnd(9)} ${amount(part)}`),
  ]);
}

interface PruneFlags extends CacheFlags {
  olderThan?: number;
  maxSize?: number;
  all?: boolean;
}

async function prune({ olderThan, maxSize, all, json }: PruneFlags): Promise<void> {
  if (olderThan === undefined && maxSize === undefined && !all) {
    throw new ValidationError('Nothing says what is to go: give --older-than, --max-size or --all.');
  }
  const limits: PruneLimits = { olderThanMs: olderThan, maxBytes: maxSize, all };
  const store = openStore();
  tell({ store: store.url, ...(await pruneCache(store, limits)) }, { json }, ({ deleted, kept, needed }) => [
    `Deleted ${amount(deleted)}; left ${amount(kept)}${needed.objects > 0 ? `, of which renders at work need ${amount(needed)}` : ''}. Outputs were not touched.`,
  ]);
}

export function addCacheCommand(program: Command): void {
  const cache = program
    .command('cache')
    .description('Show and empty what the store of HELIOS_STORE keeps for later renders.')
    .addHelpText('after', EXAMPLES);
  const json = ['--json', 'tell it as JSON'] as const;
  cache
    .command('list')
    .description('Segments and compositions with their sizes, when they were used, and by which renders.')
    .option(...json)
    .action(list);
  cache
    .command('size')
    .description('What each part of the store takes.')
    .option(...json)
    .action(size);
  cache
    .command('prune')
    .description('Delete segments, compositions’ files and measurements; never outputs.')
    .option('--older-than <time>', 'what was not used for so long, such as 12h or 7d', ageFlag)
    .option(
      '--max-size <size>',
      'the longest unused, until no more than this is left, such as 10GB',
      bytesFlag,
    )
    .option('--all', 'everything')
    .option(...json)
    .action(prune);
}
