import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import path from 'node:path';
import { AccessDeniedError, DeployError, KitError } from '../utils/errors.ts';
import { packageFolder } from '../utils/package-version.ts';
import { createWorkFolder } from '../utils/work-folder.ts';
import { quotaRequest } from './lambda-quota.ts';

const KEPT_LINES = 40;

/** The CDK app of this package: its source in the repository, compiled in the published package. */
function appCommand(): string {
  const own = import.meta.filename.endsWith('.ts') ? ['cdk', 'app.ts'] : ['dist', 'cdk', 'app.js'];
  const words = [process.execPath, path.join(packageFolder(), ...own)].map((word) => JSON.stringify(word));
  // The CDK takes a quote from each end of a command that begins with one.
  return ['exec', ...words].join(' ');
}

function cdkProgram(): string {
  try {
    const require = createRequire(import.meta.url);
    require.resolve('aws-cdk-lib');
    return path.join(path.dirname(require.resolve('aws-cdk/package.json')), 'bin', 'cdk');
  } catch (cause) {
    throw new KitError('Deploying needs the AWS CDK. Run: npm install aws-cdk-lib constructs', { cause });
  }
}

export interface CdkOptions {
  readonly context: Readonly<Record<string, string>>;
  readonly region: string;
  /** Shows what the CDK says, on stderr. */
  readonly verbose: boolean;
  readonly signal: AbortSignal;
}

/**
 * Runs a command of the AWS CDK's own program over the package's app.
 * @throws KitError, AccessDeniedError, DeployError with the program's last lines
 */
export async function runCdk(args: readonly string[], options: CdkOptions): Promise<void> {
  const { context, region, verbose, signal } = options;
  await using folder = await createWorkFolder('cdk');
  const values = Object.entries(context).flatMap(([name, value]) => ['--context', `${name}=${value}`]);
  const all = [
    cdkProgram(),
    ...args,
    ...['--app', appCommand(), '--output', path.join(folder.path, 'cdk.out'), '--no-notices', '--ci'],
    ...values,
  ];
  const child = spawn(process.execPath, all, {
    cwd: folder.path,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, AWS_REGION: region, CDK_DISABLE_CLI_TELEMETRY: '1', FORCE_COLOR: '0' },
  });
  const end = (): void => void child.kill('SIGINT');
  signal.addEventListener('abort', end, { once: true });
  const last: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      if (verbose) process.stderr.write(text);
      last.push(...text.split('\n').filter((line) => line.trim() !== ''));
      last.splice(0, last.length - KEPT_LINES);
    });
  }
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  }).finally(() => signal.removeEventListener('abort', end));
  if (status !== 0) throw cdkError(args[0] as string, region, last.join('\n'));
}

/** The CDK tells its errors as text alone. @param command of the CDK, such as `deploy` */
export function cdkError(command: string, region: string, output: string): Error {
  const details = { command: `cdk ${command}`, region, output };
  const permission = /not authorized to perform:? ([\w-]+:\w+)/.exec(output)?.[1];
  if (permission) {
    return new AccessDeniedError(
      `AWS refuses ${permission} in ${region}. Deploy with a role that may do what the CDK's bootstrap roles ask for, or have an administrator run: helios-infra deploy`,
      { details: { ...details, permission } },
    );
  }
  const kept = /UnreservedConcurrentExecutions? below its minimum value of \[(\d+)\]/.exec(output)?.[1];
  if (kept) {
    return new DeployError(
      `The concurrency quota of the account in ${region} does not allow this reservedConcurrency: AWS keeps ${kept} functions without a reservation. Leave reservedConcurrency out or lower it, or ask for more: ${quotaRequest}.`,
      { details },
    );
  }
  return new DeployError(`cdk ${command} failed in ${region}; its last words are below.`, { details });
}
