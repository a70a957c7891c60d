import type { FunctionName } from './function-sizes.ts';

/** Keys of the store by what a role may do with them; `*` stands for any text, as in an IAM resource. */
export interface KeyAccess {
  readonly read: readonly string[];
  /** What it wrote and reads again to check it; it may not list these. @default none */
  readonly readBack?: readonly string[];
  readonly write: readonly string[];
}

/** Where a Distributed Map writes what its children answered: for Step Functions only, soon expired. */
export const mapRunsPrefix = 'map-runs';

/** Names a Distributed Map's children: `<state machine>/<label>:<id>`. */
export const mapLabel = 'Segments';

/** What each function reads and writes, and nothing else; `docs/security.md` shows it as a table. */
export const keyAccess: Readonly<Record<FunctionName, KeyAccess>> = {
  plan: {
    read: ['blobs/*', 'bundles/*', 'probes/*', 'segments/*'],
    write: [
      'blobs/*',
      'probes/*',
      'renders/*/job.json',
      'renders/*/plan.json',
      'renders/*/segments.json',
      'renders/*/progress/plan.error.json',
    ],
  },
  render: {
    read: ['blobs/*', 'bundles/*', 'renders/*/plan.json', 'renders/*/progress/*', 'segments/*'],
    write: ['segments/*', 'renders/*/progress/*'],
  },
  audio: {
    read: ['blobs/*', 'renders/*/plan.json'],
    write: ['renders/*/audio.*', 'renders/*/progress/audio.error.json'],
  },
  stitch: {
    read: [
      'renders/*/job.json',
      'renders/*/plan.json',
      'renders/*/audio.*',
      'renders/*/progress/*',
      'segments/*',
    ],
    readBack: ['renders/*/output.*'],
    write: [
      'renders/*/output.*',
      'renders/*/output/*',
      'renders/*/result.json',
      'renders/*/progress/stitch.error.json',
      'segments/*.json',
    ],
  },
  failure: {
    read: ['renders/*/error.json', 'renders/*/progress/*.error.json'],
    write: ['renders/*/error.json'],
  },
};
