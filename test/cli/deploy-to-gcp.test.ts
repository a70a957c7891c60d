import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { packageFolder, packageVersion } from '../../src/utils/package-version.ts';
import { Cli } from './run-cli.ts';

/** Records how it is called, keeps the files it is given, and knows nothing but the project's number. */
const GCLOUD = `#!/bin/sh
cd "$FAKE_GCLOUD" || exit 2
for arg; do printf '%s\\t' "$arg"; done >> calls
echo >> calls
for arg; do
  file=\${arg#--lifecycle-file=}
  case $file in /*) [ -f "$file" ] && cp "$file" . ;; esac
done
fail() { echo "ERROR: (gcloud) $1" >&2; exit 1; }
line="$*"
case $line in
  'projects describe '*) echo 12345 ;;
  *' describe '*) [ "$FAKE_FOUND" = no ] && exit 1 ;;
  "\${FAKE_FAIL:-nothing}"*) fail "\${FAKE_TEXT:-PERMISSION_DENIED: may not}" ;;
esac
IFS=,
for late in $FAKE_LATE; do
  case $line in "$late"*)
    seen="seen $late"
    [ -f "$seen" ] && continue
    touch "$seen"
    fail 'INVALID_ARGUMENT: Service account helios-default-build does not exist.' ;;
  esac
done
exit 0
`;

let folder: string;
let cli: Cli;
let env: Record<string, string>;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'helios-gcp-'));
  const bin = path.join(folder, 'bin');
  await mkdir(bin);
  await mkdir(path.join(folder, 'temp'));
  await writeFile(path.join(bin, 'gcloud'), GCLOUD);
  await chmod(path.join(bin, 'gcloud'), 0o755);
  cli = new Cli(folder, path.join(folder, 'temp'));
  env = {
    PATH: `${bin}:${process.env.PATH}`,
    FAKE_GCLOUD: folder,
    FAKE_FOUND: 'no',
    GOOGLE_CLOUD_PROJECT: 'my-project',
  };
});
afterEach(() => rm(folder, { recursive: true }));

const calls = async (): Promise<string[][]> =>
  (await readFile(path.join(folder, 'calls'), 'utf8').catch(() => ''))
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split('\t').filter(Boolean));
const deploy = (...more: string[]) => ['deploy', '--to', 'gcp', '--region', 'europe-west1', ...more];

test('makes bucket, accounts with their roles, image, service and job, and tells each command', async () => {
  const { status, stdout, stderr } = await cli.run(
    deploy('--farm', 'films', '--max-parallel', '40', '--job-memory', '16', '--job-temp', '14'),
    env,
  );
  expect(stderr).toContain('$ gcloud run services replace ');
  expect(stdout).toContain(
    'helios-infra render ./my-composition --on cloud-run --farm films --output out.mp4',
  );
  expect(status).toBe(0);
  const made = await calls();
  expect(made.every((args) => args.includes('--project=my-project') && args.includes('--quiet'))).toBe(true);
  expect(stderr.split('\n').filter((line) => line.startsWith('$ '))).toHaveLength(made.length);
  const lines = made.map((args) => args.join(' '));
  const account = (role: string) => `serviceAccount:helios-films-${role}@my-project.iam.gserviceaccount.com`;
  for (const expected of [
    'storage buckets create gs://my-project-helios-films --location=europe-west1 --uniform-bucket-level-access --public-access-prevention',
    'artifacts repositories create helios-films --location=europe-west1 --repository-format=docker',
    `builds submit ${packageFolder()} --config=${path.join(packageFolder(), 'cloud-run', 'cloudbuild.yaml')} --ignore-file=.gcloudignore`,
    'iam service-accounts create helios-films-service',
    'iam service-accounts create helios-films-job',
    'iam service-accounts create helios-films-build',
    `run services add-iam-policy-binding helios-films --region=europe-west1 --member=${account('job')} --role=roles/run.invoker`,
  ])
    expect(lines.some((line) => line.startsWith(expected))).toBe(true);
  const roles = made.flatMap((args) => args.filter((arg) => arg.startsWith('--role=')));
  expect(roles.sort()).toEqual([
    '--role=roles/artifactregistry.writer',
    '--role=roles/logging.logWriter',
    '--role=roles/run.invoker',
    '--role=roles/storage.objectUser',
    '--role=roles/storage.objectUser',
    '--role=roles/storage.objectViewer',
  ]);
  const objects = 'projects/_/buckets/my-project-helios-films/objects';
  const renders = `title=renders,expression=resource.name != "${objects}/farm.json" && !resource.name.startsWith("${objects}/source/")`;
  const bound = made.flatMap((args) =>
    args
      .filter((arg) => arg.startsWith('--condition='))
      .map((arg) => [args.find((other) => other.startsWith('--member=')), arg]),
  );
  expect(bound).toEqual([
    [`--member=${account('service')}`, `--condition=${renders}`],
    [`--member=${account('job')}`, `--condition=${renders}`],
    [
      `--member=${account('build')}`,
      `--condition=title=source,expression=resource.name.startsWith("${objects}/source/")`,
    ],
    [`--member=${account('build')}`, '--condition=None'],
  ]);
  expect(lines.filter((line) => /allUsers|roles\/(owner|editor)|allow-unauthenticated/.test(line))).toEqual(
    [],
  );
  expect(lines.filter((line) => line.startsWith('projects add-iam-policy-binding'))).toEqual([
    expect.stringContaining('--role=roles/logging.logWriter'),
  ]);

  const service = await readFile(path.join(folder, 'service.yaml'), 'utf8');
  expect(service).toContain(
    `image: europe-west1-docker.pkg.dev/my-project/helios-films/helios-infra:${packageVersion()}`,
  );
  expect(service).toContain('value: https://helios-films-12345.europe-west1.run.app');
  expect(service).toContain("maxScale: '40'");
  expect(service).not.toContain('${');
  const job = await readFile(path.join(folder, 'job.yaml'), 'utf8');
  expect(job).toMatch(/cpu: '4'\s+memory: 16Gi/);
  expect(job).toContain('sizeLimit: 14Gi');
  expect(JSON.parse(await readFile(path.join(folder, 'farm.json'), 'utf8'))).toEqual({
    version: packageVersion(),
    project: 'my-project',
    region: 'europe-west1',
    bucket: 'my-project-helios-films',
    serviceUrl: 'https://helios-films-12345.europe-west1.run.app',
    job: 'helios-films-job',
  });
  expect(JSON.parse(await readFile(path.join(folder, 'lifecycle.json'), 'utf8')).rule).toHaveLength(3);
});

test('makes nothing anew that is there, and runs again what an account is not known to yet', async () => {
  const late = [
    'storage buckets add-iam-policy-binding',
    'builds submit',
    'run services add-iam-policy-binding',
  ];
  const { status } = await cli.run(deploy(), { ...env, FAKE_FOUND: 'yes', FAKE_LATE: late.join(',') });
  expect(status).toBe(0);
  const lines = (await calls()).map((args) => args.join(' '));
  const times = late.map((start) => lines.filter((line) => line.startsWith(start)).length);
  expect(times).toEqual([4, 2, 2]);
  expect(lines.filter((line) => / create /.test(line))).toEqual([]);
  expect(lines.some((line) => line.startsWith('run jobs replace '))).toBe(true);
});

test('--dry-run prints every command and runs none', async () => {
  const { status, stderr, stdout } = await cli.run(deploy('--dry-run', '--json'), env);
  expect(status).toBe(0);
  expect(stderr).toContain('$ gcloud builds submit ');
  expect(JSON.parse(stdout)).toMatchObject({
    type: 'planned',
    name: 'default',
    bucket: 'my-project-helios-default',
  });
  expect(await calls()).toEqual([]);
});

test('says what gcloud said when it failed, and what is missing', async () => {
  const [failed, quota, none, nowhere, tooLong] = await Promise.all([
    cli.run(deploy(), { ...env, FAKE_FAIL: 'services enable' }),
    cli.run(deploy(), {
      ...env,
      FAKE_FAIL: 'run services replace',
      FAKE_TEXT: 'Max instances must be set to 10 or fewer to set the requested total CPU. Quota violated: …',
    }),
    cli.run(deploy(), { ...env, PATH: path.join(folder, 'temp') }),
    cli.run(['deploy', '--to', 'gcp'], env),
    cli.run(deploy('--farm', 'a-name-that-is-too-long'), env),
  ]);
  expect(failed.status).toBe(1);
  expect(failed.stderr).toContain('✗ DeployError: gcloud services enable run.googleapis.com failed');
  expect(failed.stderr).toContain('PERMISSION_DENIED: may not');
  expect(quota.stderr).toContain('Deploy with --max-parallel 10,');
  expect(quota.stderr).toContain('Quota violated: …');
  expect(none.stderr).toContain('KitError: Deploying to Google Cloud needs gcloud');
  expect(nowhere.stderr).toContain('--region says where');
  expect(tooLong.stderr).toContain('2–16');
});
