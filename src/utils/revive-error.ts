import * as errors from './errors.ts';

type ErrorClass = new (...parameters: ConstructorParameters<typeof errors.HeliosError>) => errors.HeliosError;

function isErrorClass(value: unknown): value is ErrorClass {
  return typeof value === 'function' && value.prototype instanceof errors.HeliosError;
}

const classes = new Map(
  (Object.values(errors) as unknown[]).filter(isErrorClass).map((type) => [type.name, type] as const),
);

/** How Lambda names a sandbox that ended before its answer, and Step Functions a task that did. */
const CRASHES: ReadonlySet<string> = new Set([
  'Sandbox.Timedout',
  'Sandbox.Timeout',
  'Runtime.ExitError',
  'Runtime.OutOfMemory',
  'Runtime.Unknown',
  'Function.Unknown',
  'Lambda.Unknown',
  'States.Timeout',
]);

/**
 * An error of another process as the class of its name. One that is none of ours becomes a FunctionCrashedError
 * when the function had no chance to answer, else a RemoteError.
 */
export function reviveError(
  name: string,
  message: string,
  options: ConstructorParameters<ErrorClass>[1] = {},
): errors.HeliosError {
  const type = classes.get(name);
  if (type) return new type(message, options);
  const details = { errorType: name, ...options.details };
  if (CRASHES.has(name)) return new errors.FunctionCrashedError(message, { ...options, details });
  return new errors.RemoteError(`${name}: ${message}`, { ...options, details });
}
