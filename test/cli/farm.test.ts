import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { PageScriptError } from '../../src/utils/errors.ts';
import { AwsEndpoint, awsError } from '../helpers/aws-endpoint.ts';
import { TestFarm } from '../helpers/test-farm.ts';
import { Cli, fixture } from './run-cli.ts';

let folder: string;
let farm: TestFarm;
let cli: Cli;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'helios-cli-'));
  const temp = path.join(folder, 'temp');
  await mkdir(temp);
  farm = await TestFarm.open();
  cli = new Cli(folder, temp);
});
afterEach(async () => {
  await farm[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const render = (id: string, ...more: string[]) => [
  ...['render', fixture('barcode-css'), '--on', 'lambda', '--id', id, '--segments', '3', ...more],
];

test('renders on a farm, tells it in JSON lines and brings the output', async () => {
  const { status, stderr, lines } = await cli.run(render('one', '-o', 'one.mp4', '--json'));
  expect(stderr).toBe('');
  expect(status).toBe(0);
  const told = lines();
  expect(told[0]).toMatchObject({ type: 'started', id: 'one', started: true });
  expect(told.at(-2)).toMatchObject({ type: 'progress', status: 'succeeded', framesDone: 30 });
  expect(told.at(-1)).toMatchObject({ type: 'result', output: cli.path('one.mp4'), frames: 30 });
  expect(await readFile(cli.path('one.mp4'), 'utf8')).toBe('a film');
});

test('leaves the output in the cloud with --no-download, and says how to bring it', async () => {
  const { stdout, stderr } = await cli.run(render('there', '-o', 'there.mp4', '--no-download'));
  expect(stderr).toContain('Rendering there on the farm default');
  expect(stdout).toContain('helios-infra download there --output there.mp4');
  const { stdout: brought } = await cli.run(['download', 'there']);
  expect(brought).toContain('✓ there.mp4  6 bytes');
});

test('sends the budget along', async () => {
  const { status } = await cli.run(render('cheap', '--max-cost', '0.5', '--max-time', '1h30m', '--quiet'));
  expect(status).toBe(0);
  const { job } = JSON.parse(farm.executions.get('cheap')?.input ?? '{}');
  expect(job.budget).toEqual({ maxCost: 0.5, maxSeconds: 5400 });
});

test('Ctrl+C leaves the render running and says how to watch or cancel it', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  farm.onRender = () => promise;
  const { child, ended, waitFor } = cli.start(render('long', '--json'));
  await waitFor('"phase":"render"');
  child.kill('SIGINT');
  const { status, stderr } = await ended;
  expect(status).toBe(130);
  expect(stderr).toContain('helios-infra watch long');
  expect(stderr).toContain('helios-infra cancel long');
  expect(farm.executions.get('long')?.status).toBe('RUNNING');
  expect((await cli.run(['cancel', 'long'])).stdout).toContain('Cancelled long');
  expect((await cli.run(['status', 'long'])).stdout).toContain('cancelled');
  resolve();
});

test('a failed render tells what, where and what to do; it can be resumed', async () => {
  let broken = true;
  farm.onRender = ({ index }) => {
    if (index === 1 && broken) throw new PageScriptError('Frame 12: boom');
  };
  const { status, stderr } = await cli.run(render('fails', '--quiet'));
  expect(status).toBe(1);
  expect(stderr).toMatch(/PageScriptError: Frame 12: boom.*segment: 1.*frames: 10–19/s);
  expect(stderr).toContain('helios-infra logs fails');
  expect(stderr).toContain('helios-infra resume fails');
  broken = false;
  const resumed = await cli.run(['resume', 'fails', '--json']);
  expect(resumed.lines()[0]).toMatchObject({ type: 'started', execution: 'fails-r2' });
  expect(resumed.lines().at(-1)).toMatchObject({ type: 'result', id: 'fails' });
  expect((await cli.run(['estimate', 'fails'])).stdout).toMatch(/cost about \$0\.\d+ at list prices/);
});

test('says what a small quota means', async () => {
  farm.quota = 10;
  const { stdout } = await cli.run(['quota']);
  // The plan leaves three to the other functions of a render.
  expect(stdout).toContain('at most 7 segments at the same time, less');
  expect(stdout).toContain('L-B99A9384');
});

test('says what a reservation and the farm’s own bound mean', async () => {
  farm.reserved = 400;
  Object.assign(farm.parameter, { maxParallel: 300 });
  const { stdout, lines } = await cli.run(['quota', '--json']);
  expect(lines()).toEqual([
    { account: 1000, unreserved: 1000, reserved: 400, maxParallel: 300, parallel: 300 },
  ]);
  expect(stdout).not.toContain('L-B99A9384');
  const told = await cli.run(['quota']);
  expect(told.stdout).toContain("400 are reserved for this farm's render function");
  expect(told.stdout).toContain('at most 300 segments');
});

test('shows the logs of a render, those of the failed segment first', async () => {
  farm.onRender = ({ index }) => {
    if (index === 1) throw new PageScriptError('Frame 12: boom');
  };
  await cli.run(render('told', '--quiet'));
  const line = (minute: number, logStreamName: string, event: object) => ({
    timestamp: Date.UTC(2026, 10, 25, 8, minute),
    logStreamName,
    message: JSON.stringify({ render: 'told', ...event }),
  });
  const pages: Record<string, object> = {
    'farm-plan ': { events: [line(1, 'p', { message: 'done' })] },
    'farm-render ': { events: [line(2, 'r0', { answer: { index: 0 } })], nextToken: 'more' },
    'farm-render more': { events: [line(3, 'r1', { event: { index: 1 }, message: 'failed' })] },
    'farm-failure ': { events: [line(4, 'f', { message: 'done' })] },
  };
  const asked: Record<string, string>[] = [];
  await using _ = await AwsEndpoint.open('CLOUDWATCH_LOGS', async (_request, body) => {
    const request = JSON.parse(body);
    asked.push(request);
    const page = pages[`${request.logGroupName.replace('/aws/lambda/', '')} ${request.nextToken ?? ''}`];
    return page ? { body: page } : awsError(400, 'ResourceNotFoundException');
  });
  const { status, lines } = await cli.run(['logs', 'told', '--json']);
  expect(status).toBe(0);
  expect(lines().map(({ stream }) => stream)).toEqual(['r1', 'p', 'r0', 'f']);
  expect(new Set(asked.map(({ filterPattern }) => filterPattern))).toEqual(new Set(['"told"']));
  const { stdout } = await cli.run(['logs', 'told']);
  expect(stdout).toMatch(/^PageScriptError: Frame 12: boom\n.*render r1\n.*failed/);
});

test('says where logs will be when there are none yet', async () => {
  await cli.run(render('quiet', '--quiet'));
  await using _ = await AwsEndpoint.open('CLOUDWATCH_LOGS', async () => ({ body: { events: [] } }));
  const { stdout } = await cli.run(['logs', 'quiet']);
  expect(stdout).toContain('No function has logged anything of quiet yet');
  expect(stdout).toContain('/aws/lambda/farm-render');
});

test('sends a file once', async () => {
  const args = ['bundle', fixture('barcode-css'), '--json'];
  expect((await cli.run(args)).lines()).toMatchObject([{ files: 1, sent: 1 }]);
  expect((await cli.run(args)).lines()).toMatchObject([{ files: 1, sent: 0, sentBytes: 0 }]);
});

test('says in which region there is no farm', async () => {
  const { status, stderr } = await cli.run(['status', 'x', '--farm', 'other']);
  expect(status).toBe(1);
  expect(stderr).toContain('There is no farm other in us-east-1');
  expect(stderr).toContain('helios-infra deploy --farm other');
});

test('a farm that is part of somebody’s own stack is not taken down, and keeps what it stored', async () => {
  Object.assign(farm.parameter, { stack: 'Films', keepBucket: false });
  await farm.store.put('renders/one/output.mp4', 'a film');
  const { status, stdout, stderr } = await cli.run(['destroy', '--delete-outputs']);
  expect(status).toBe(1);
  expect(stdout).toBe('');
  expect(stderr).toMatch(/DeployError: .*as part of the stack Films\. Nothing was deleted\./);
  expect(await farm.store.head('renders/one/output.mp4')).toBeDefined();
});
