import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { buildLayers } from '../../layers/build.ts';
import { currentProject, FARM_RECORD, gcpFarmNames } from '../adapters/gcp-farm.ts';
import type { GcpFarm } from '../types/gcp-farm.ts';
import { packageFolder, packageVersion } from '../utils/package-version.ts';
import { createWorkFolder } from '../utils/work-folder.ts';
import { Gcloud } from './gcloud.ts';
import { grantRoles } from './gcp-access.ts';
import { manifestFolder, readManifest } from './gcp-manifest.ts';
import { explainQuota } from './gcp-quota.ts';
import { type JobSize, jobSizeValues } from './job-size.ts';

const APIS = ['run', 'cloudbuild', 'artifactregistry', 'storage', 'iam', 'logging'];
const MAX_INSTANCES = 100;

export interface GcpDeployment {
  readonly farm: string;
  readonly region: string;
  /** @default the one of the credentials */
  readonly project?: string | undefined;
  /** Instances of the service, and frame jobs of one render, at the same time at the most. @default 100 */
  readonly maxParallel?: number | undefined;
  readonly jobSize: JobSize;
  readonly dryRun: boolean;
  readonly verbose: boolean;
  readonly signal: AbortSignal;
  /** Told what is done, and each command. */
  readonly say: (text: string) => void;
}

/** What expires, in days, as on AWS. */
const LIFECYCLE = {
  rule: [
    { action: { type: 'Delete' }, condition: { age: 30, matchesPrefix: ['segments/', 'probes/'] } },
    { action: { type: 'Delete' }, condition: { age: 90, matchesPrefix: ['blobs/', 'bundles/'] } },
    { action: { type: 'Delete' }, condition: { age: 1, matchesPrefix: ['source/'] } },
  ],
};

/**
 * Puts a farm into a project of Google Cloud, or brings it up to date: bucket, accounts, image, service, job.
 * @throws KitError without gcloud, DeployError, ValidationError, CredentialsError, AbortedError
 */
export async function deployToGcp(deployment: GcpDeployment): Promise<GcpFarm> {
  const { farm, region, dryRun, verbose, signal, say, jobSize, maxParallel = MAX_INSTANCES } = deployment;
  const project = deployment.project ?? (await currentProject());
  const names = gcpFarmNames(farm, project);
  const size = jobSizeValues(jobSize);
  const gcloud = new Gcloud({ project, dryRun, verbose, signal, onCommand: (line) => say(`$ ${line}`) });
  const number = await gcloud.read(
    'PROJECT_NUMBER',
    'projects',
    'describe',
    project,
    '--format=value(projectNumber)',
  );
  const serviceUrl = `https://${names.service}-${number}.${region}.run.app`;
  // A service keeps the image that it found under a tag, so that each deployment needs a tag of its own.
  const tag = `${packageVersion()}-${Date.now().toString(36)}`;
  const image = `${region}-docker.pkg.dev/${project}/${names.repository}/helios-infra:${tag}`;
  const email = (account: string): string => `${account}@${project}.iam.gserviceaccount.com`;
  await using folder = await createWorkFolder('deploy');
  const write = async (name: string, text: string): Promise<string> => {
    const file = path.join(folder.path, name);
    await writeFile(file, text);
    return file;
  };

  await gcloud.run('services', 'enable', ...APIS.map((api) => `${api}.googleapis.com`));
  const bucket = `gs://${names.bucket}`;
  await gcloud.ensure(
    ['storage', 'buckets', 'describe', bucket, '--format=value(name)'],
    [
      ...['storage', 'buckets', 'create', bucket, `--location=${region}`],
      ...['--uniform-bucket-level-access', '--public-access-prevention'],
    ],
  );
  const lifecycle = await write('lifecycle.json', JSON.stringify(LIFECYCLE));
  await gcloud.run('storage', 'buckets', 'update', bucket, `--lifecycle-file=${lifecycle}`);
  const inRegion = `--location=${region}`;
  await gcloud.ensure(
    ['artifacts', 'repositories', 'describe', names.repository, inRegion, '--format=value(name)'],
    ['artifacts', 'repositories', 'create', names.repository, inRegion, '--repository-format=docker'],
  );
  for (const [role, account] of Object.entries(names.accounts)) {
    await gcloud.ensure(
      ['iam', 'service-accounts', 'describe', email(account), '--format=value(email)'],
      ['iam', 'service-accounts', 'create', account, `--display-name=Helios farm ${farm}: ${role}`],
    );
  }
  await grantRoles(gcloud, { project, region, names, email });

  if (!dryRun) {
    say('Building the layers (Chromium, FFmpeg, fonts)');
    await buildLayers();
  }
  await gcloud.runOnceKnown(
    ...['builds', 'submit', packageFolder(), `--config=${path.join(manifestFolder(), 'cloudbuild.yaml')}`],
    ...['--ignore-file=.gcloudignore', `--substitutions=_IMAGE=${image}`, `--region=${region}`],
    `--gcs-source-staging-dir=${bucket}/source`,
    `--service-account=projects/${project}/serviceAccounts/${email(names.accounts.build)}`,
  );
  const values = {
    FARM: farm,
    SERVICE: names.service,
    JOB: names.job,
    IMAGE: image,
    BUCKET: names.bucket,
    SERVICE_URL: serviceUrl,
    CALLERS: email(names.accounts.job),
    MAX_INSTANCES: String(maxParallel),
    ...size,
  };
  const service = await readManifest('service.yaml', {
    ...values,
    SERVICE_ACCOUNT: email(names.accounts.service),
  });
  const job = await readManifest('job.yaml', { ...values, SERVICE_ACCOUNT: email(names.accounts.job) });
  await gcloud
    .run('run', 'services', 'replace', await write('service.yaml', service), `--region=${region}`)
    .catch((error: unknown) => {
      throw explainQuota(error);
    });
  await gcloud.run('run', 'jobs', 'replace', await write('job.yaml', job), `--region=${region}`);
  await gcloud.runOnceKnown(
    ...['run', 'services', 'add-iam-policy-binding', names.service, `--region=${region}`],
    ...[`--member=serviceAccount:${email(names.accounts.job)}`, '--role=roles/run.invoker'],
  );
  const record = {
    version: packageVersion(),
    project,
    region,
    bucket: names.bucket,
    serviceUrl,
    job: names.job,
  };
  const file = await write(FARM_RECORD, JSON.stringify(record));
  await gcloud.run('storage', 'cp', file, `${bucket}/${FARM_RECORD}`, '--content-type=application/json');
  return { ...record, name: farm };
}
