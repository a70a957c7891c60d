import { Token } from 'aws-cdk-lib';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { ValidationError } from '../src/utils/errors.ts';
import { defaultSizes, type FunctionName, type FunctionSize, functionNames } from './function-sizes.ts';
import type { RenderFarmProps } from './render-farm-props.ts';

interface Issue {
  readonly path: string;
  readonly message: string;
}

/** Parts of a farm's props that have been checked, with their defaults. */
export interface CheckedProps {
  readonly farmName: string;
  readonly maxParallel: number;
  /** Empty, or a path that ends with a slash. */
  readonly prefix: string;
  readonly sizes: Readonly<Record<FunctionName, FunctionSize>>;
}

/** @throws ValidationError that names every prop that is wrong */
export function checkProps(props: RenderFarmProps): CheckedProps {
  const { farmName = 'default', maxParallel = 1000, reservedConcurrency, prefix = '' } = props;
  const issues: Issue[] = [];
  const whole = (path: string, value: number, min: number, max: number) => {
    if (!Token.isUnresolved(value) && (!Number.isInteger(value) || value < min || value > max))
      issues.push({ path, message: `must be a whole number from ${min} to ${max}, and is ${value}` });
  };
  if (!/^[a-z][a-z0-9-]{0,31}$/.test(farmName))
    issues.push({ path: 'farmName', message: `must be 1–32 of a–z, 0–9 and -, a letter first: ${farmName}` });
  whole('maxParallel', maxParallel, 1, 10_000);
  if (reservedConcurrency !== undefined) whole('reservedConcurrency', reservedConcurrency, 1, 10_000);
  const folder = prefix.replace(/\/$/, '');
  if (folder && !folder.split('/').every((name) => /^(?!\.+$)[\w.-]+$/.test(name)))
    issues.push({
      path: 'prefix',
      message: `must be names of A–Z, a–z, 0–9, _ . - with / between: ${prefix}`,
    });
  const sizes = Object.fromEntries(
    functionNames.map((name) => [name, { ...defaultSizes[name], ...props.sizes?.[name] }]),
  ) as Record<FunctionName, FunctionSize>;
  for (const [name, { memory, timeout, ephemeralStorage }] of Object.entries(sizes)) {
    whole(`sizes.${name}.memory`, memory, 128, 10_240);
    whole(`sizes.${name}.timeout`, timeout, 1, 900);
    whole(`sizes.${name}.ephemeralStorage`, ephemeralStorage, 512, 10_240);
  }
  for (const [name, days] of Object.entries(props.lifecycle ?? {}))
    whole(`lifecycle.${name}`, days, 1, 36_500);
  if (props.logRetention !== undefined && RetentionDays[props.logRetention] === undefined)
    issues.push({
      path: 'logRetention',
      message: `must be a number of days that CloudWatch knows (such as 7, 14, 30, 90 or 365), and is ${props.logRetention}`,
    });
  if (props.timeout) whole('timeout', props.timeout.toSeconds(), 60, 31_536_000);
  if (props.bucket) {
    for (const name of ['lifecycle', 'accessLogsBucket', 'removalPolicy'] as const) {
      if (props[name] !== undefined)
        issues.push({
          path: name,
          message: 'is for a bucket of the farm’s own; leave it out, or leave out bucket',
        });
    }
  }
  if (issues.length > 0) {
    const lines = issues.map(({ path, message }) => `${path} ${message}`);
    throw new ValidationError(`The props of the render farm are not valid: ${lines.join('; ')}.`, {
      details: { issues },
    });
  }
  return {
    farmName,
    maxParallel: Math.min(maxParallel, reservedConcurrency ?? maxParallel),
    prefix: folder ? `${folder}/` : '',
    sizes,
  };
}
