import type { gcpFarmNames } from '../adapters/gcp-farm.ts';
import type { Gcloud } from './gcloud.ts';

export interface FarmAccess {
  readonly project: string;
  readonly region: string;
  readonly names: ReturnType<typeof gcpFarmNames>;
  /** The address of an account. */
  readonly email: (account: string) => string;
}

/**
 * Gives the farm's accounts what they need: service and job the objects of its bucket but `farm.json` and `source/`;
 * the build the source that it builds, the repository that it pushes to, and its log.
 */
export async function grantRoles(
  gcloud: Gcloud,
  { project, region, names, email }: FarmAccess,
): Promise<void> {
  const bucket = `gs://${names.bucket}`;
  const objects = `projects/_/buckets/${names.bucket}/objects/`;
  const member = (account: string): string => `--member=serviceAccount:${email(account)}`;
  const onBucket = (account: string, role: string, title: string, expression: string): Promise<void> =>
    gcloud.runOnceKnown(
      ...['storage', 'buckets', 'add-iam-policy-binding', bucket, member(account), `--role=${role}`],
      `--condition=title=${title},expression=${expression}`,
    );
  const { service, job, build } = names.accounts;
  const renders = `resource.name != "${objects}farm.json" && !resource.name.startsWith("${objects}source/")`;
  await onBucket(service, 'roles/storage.objectUser', 'renders', renders);
  await onBucket(job, 'roles/storage.objectUser', 'renders', renders);
  const source = `resource.name.startsWith("${objects}source/")`;
  await onBucket(build, 'roles/storage.objectViewer', 'source', source);
  await gcloud.runOnceKnown(
    ...['artifacts', 'repositories', 'add-iam-policy-binding', names.repository, `--location=${region}`],
    ...[member(build), '--role=roles/artifactregistry.writer'],
  );
  await gcloud.runOnceKnown(
    ...['projects', 'add-iam-policy-binding', project, member(build)],
    ...['--role=roles/logging.logWriter', '--condition=None'],
  );
}
