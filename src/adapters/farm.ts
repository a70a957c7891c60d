import type { ObjectStore } from '../storage/object-store.ts';
import { openStore } from '../storage/open-store.ts';
import { type Farm, farmSchema } from '../types/farm.ts';
import { FarmNotFoundError, ValidationError, VersionMismatchError } from '../utils/errors.ts';
import { packageVersion } from '../utils/package-version.ts';
import { askAws, regionOf } from './aws-errors.ts';
import { tellDisabledRegion } from './disabled-region.ts';

export const DEFAULT_FARM = 'default';

export function farmParameter(name: string): string {
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(name)) {
    throw new ValidationError(`A farm's name is 1–32 of a–z, 0–9 and -, a letter first: ${name}`, {
      details: { farm: name },
    });
  }
  return `/helios-infra/${name}/farm`;
}

export interface FindFarmOptions {
  /** Takes a farm that another version of this package deployed. @default false */
  readonly anyVersion?: boolean;
}

/**
 * Finds a farm in the region and account of the usual chain (`AWS_REGION`, `AWS_PROFILE` …).
 * @throws FarmNotFoundError, VersionMismatchError, RegionError, CredentialsError, AccessDeniedError
 */
export async function findFarm(
  name = DEFAULT_FARM,
  { anyVersion = false }: FindFarmOptions = {},
): Promise<Farm> {
  const parameter = farmParameter(name);
  const value = await readParameter(parameter);
  if (value.text === undefined) {
    throw new FarmNotFoundError(
      `There is no farm ${name} in ${value.region}: no SSM parameter ${parameter}. Deploy one with: helios-infra deploy${name === DEFAULT_FARM ? '' : ` --farm ${name}`}. If it is elsewhere, set AWS_REGION or AWS_PROFILE.`,
      { details: { farm: name, region: value.region, parameter } },
    );
  }
  const farm = parseFarm(name, parameter, value.text);
  const own = packageVersion();
  if (!anyVersion && farm.version !== own) {
    throw new VersionMismatchError(
      `The farm ${name} is of version ${farm.version}, and this is ${own}. Deploy it anew with: helios-infra deploy, or use version ${farm.version}.`,
      { details: { farm: farm.version, own } },
    );
  }
  return farm;
}

function parseFarm(name: string, parameter: string, text: string): Farm {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  const parsed = farmSchema.safeParse(json);
  if (!parsed.success) throw ValidationError.fromZod(`SSM parameter ${parameter}`, parsed.error);
  return { ...parsed.data, name };
}

/** A parameter's value; no `text` when there is none. */
export async function readParameter(name: string): Promise<{ region: string; text?: string }> {
  const { GetParameterCommand, SSMClient } = await import('@aws-sdk/client-ssm');
  const client = new SSMClient({});
  const region = () => client.config.region();
  try {
    const text = await askAws({ permission: 'ssm:GetParameter', resource: name, region }, async () => {
      try {
        const { Parameter } = await client.send(new GetParameterCommand({ Name: name }));
        return Parameter?.Value;
      } catch (error) {
        if (error instanceof Error && error.name === 'ParameterNotFound') return undefined;
        throw error;
      }
    });
    return { region: await regionOf(region), ...(text === undefined ? {} : { text }) };
  } catch (error) {
    throw await tellDisabledRegion(error, await regionOf(region));
  } finally {
    client.destroy();
  }
}

/** The store of a farm, opened from here. */
export function farmStore({ bucket, prefix }: Pick<Farm, 'bucket' | 'prefix'>): ObjectStore {
  return openStore(`s3://${bucket}${prefix && `/${prefix}`}`);
}
