import { GcsStore } from '../storage/gcs-store.ts';
import { readJson } from '../storage/object-store.ts';
import { type GcpFarm, gcpFarmSchema } from '../types/gcp-farm.ts';
import {
  CredentialsError,
  FarmNotFoundError,
  NotFoundError,
  StoreAddressError,
  ValidationError,
  VersionMismatchError,
} from '../utils/errors.ts';
import { packageVersion } from '../utils/package-version.ts';

/** Where a farm's bucket says what the farm is. */
export const FARM_RECORD = 'farm.json';

/** The names of a farm's parts. @throws ValidationError for a name that would make one too long */
export function gcpFarmNames(name: string, project: string) {
  if (!/^[a-z][a-z0-9-]{0,14}[a-z0-9]$/.test(name)) {
    throw new ValidationError(
      `On Google Cloud a farm's name is 2–16 of a–z, 0–9 and -, a letter first and no - at its end: ${name}`,
      { details: { farm: name } },
    );
  }
  const account = (role: string): string => `helios-${name}-${role}`;
  return {
    bucket: `${project}-helios-${name}`,
    service: `helios-${name}`,
    job: `helios-${name}-job`,
    repository: `helios-${name}`,
    accounts: { service: account('service'), job: account('job'), build: account('build') },
  };
}

/** The project of the application default credentials, or of `GOOGLE_CLOUD_PROJECT`. @throws CredentialsError */
export async function currentProject(): Promise<string> {
  if (process.env.GOOGLE_CLOUD_PROJECT) return process.env.GOOGLE_CLOUD_PROJECT;
  const { GoogleAuth } = await import('google-auth-library');
  return new GoogleAuth().getProjectId().catch((cause: unknown) => {
    throw new CredentialsError(
      'It is not known which project of Google Cloud to look in. Set GOOGLE_CLOUD_PROJECT.',
      { cause },
    );
  });
}

/**
 * Finds a farm in the current project.
 * @throws FarmNotFoundError, VersionMismatchError, CredentialsError, AccessDeniedError
 */
export async function findGcpFarm(name: string): Promise<GcpFarm> {
  const project = await currentProject();
  const { bucket } = gcpFarmNames(name, project);
  const found = await readJson(new GcsStore(`gs://${bucket}`), FARM_RECORD).catch((cause: unknown) => {
    if (!(cause instanceof NotFoundError || cause instanceof StoreAddressError)) throw cause;
    throw new FarmNotFoundError(
      `There is no farm ${name} in the project ${project}: no gs://${bucket}/${FARM_RECORD}. Deploy one with: helios-infra deploy --to gcp --farm ${name}. If it is elsewhere, set GOOGLE_CLOUD_PROJECT.`,
      { cause, details: { farm: name, project, bucket } },
    );
  });
  const parsed = gcpFarmSchema.safeParse(found);
  if (!parsed.success) throw ValidationError.fromZod(`gs://${bucket}/${FARM_RECORD}`, parsed.error);
  const own = packageVersion();
  if (parsed.data.version !== own) {
    throw new VersionMismatchError(
      `The farm ${name} is of version ${parsed.data.version}, and this is ${own}. Deploy it anew with: helios-infra deploy --to gcp, or use version ${parsed.data.version}.`,
      { details: { farm: parsed.data.version, own } },
    );
  }
  return { ...parsed.data, name };
}
