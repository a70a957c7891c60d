import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { DeployError } from '../utils/errors.ts';
import { packageFolder } from '../utils/package-version.ts';

/** The folder of Dockerfile, service.yaml, job.yaml and cloudbuild.yaml. */
export function manifestFolder(): string {
  return path.join(packageFolder(), 'cloud-run');
}

/**
 * A manifest with its `${NAME}`s replaced.
 * @throws DeployError for a name without a value
 */
export async function readManifest(
  name: 'service.yaml' | 'job.yaml',
  values: Readonly<Record<string, string>>,
): Promise<string> {
  const text = await readFile(path.join(manifestFolder(), name), 'utf8');
  return text.replace(/\$\{(\w+)\}/g, (_, variable: string) => {
    const value = values[variable];
    if (value === undefined) throw new DeployError(`${name} asks for a ${variable} that nothing gives.`);
    return value;
  });
}
