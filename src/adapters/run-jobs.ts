import type { AnyAuthClient } from 'google-auth-library';
import { type RunExecution, runExecutionSchema } from '../types/gcp-farm.ts';
import {
  AccessDeniedError,
  CloudServiceError,
  CredentialsError,
  HeliosError,
  RemoteError,
  ThrottledError,
} from '../utils/errors.ts';

const SCOPE = 'https://www.googleapis.com/auth/cloud-platform';

/** Executions of a Cloud Run Job, by the Cloud Run Admin API. */
export class RunJobs {
  readonly #job: string;
  readonly #endpoint: string;
  #client: Promise<AnyAuthClient> | undefined;

  /** `CLOUDSDK_API_ENDPOINT_OVERRIDES_RUN` is another endpoint, as for gcloud. */
  constructor({
    project,
    region,
    job,
  }: { readonly project: string; readonly region: string; readonly job: string }) {
    this.#job = `projects/${project}/locations/${region}/jobs/${job}`;
    this.#endpoint = process.env.CLOUDSDK_API_ENDPOINT_OVERRIDES_RUN || 'https://run.googleapis.com/';
  }

  /** Starts an execution with environment variables of its own. @returns its name */
  async run(env: Readonly<Record<string, string>>): Promise<string> {
    const variables = Object.entries(env).map(([name, value]) => ({ name, value }));
    const overrides = { containerOverrides: [{ env: variables }] };
    const { metadata } = (await this.#ask('run.jobs.runWithOverrides', 'POST', `${this.#job}:run`, {
      overrides,
    })) as {
      metadata?: unknown;
    };
    return parseExecution(metadata).name;
  }

  /** @returns `undefined` when Cloud Run has it no longer: it keeps so many of a job, and none of a deleted one */
  async execution(name: string): Promise<RunExecution | undefined> {
    try {
      return parseExecution(await this.#ask('run.executions.get', 'GET', name));
    } catch (error) {
      if (error instanceof HeliosError && error.details.status === 404) return undefined;
      throw error;
    }
  }

  async cancel(name: string): Promise<void> {
    await this.#ask('run.executions.cancel', 'POST', `${name}:cancel`, {});
  }

  async #ask(permission: string, method: 'GET' | 'POST', resource: string, data?: object): Promise<unknown> {
    const client = await this.#open();
    const url = new URL(`v2/${resource}`, this.#endpoint).href;
    const details = { permission, resource };
    try {
      const answer = await client.request<unknown>({ url, method, ...(data ? { data } : {}), retry: true });
      return answer.data;
    } catch (cause) {
      const { status } = cause as { status?: number };
      throw toError(status, cause, { ...details, status });
    }
  }

  #open(): Promise<AnyAuthClient> {
    this.#client ??= import('google-auth-library')
      .then(({ GoogleAuth }) => new GoogleAuth({ scopes: SCOPE }).getClient())
      .catch((cause: unknown) => {
        this.#client = undefined;
        throw new CredentialsError(
          'There are no credentials for Google Cloud. Log in with: gcloud auth application-default login',
          { cause },
        );
      });
    return this.#client;
  }
}

function parseExecution(value: unknown): RunExecution {
  const parsed = runExecutionSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new RemoteError('Cloud Run told of no execution.', { cause: parsed.error });
}

function toError(
  status: number | undefined,
  cause: unknown,
  details: { readonly permission: string; readonly resource: string; readonly status: number | undefined },
): HeliosError {
  const { permission, resource } = details;
  const options = { cause, details };
  if (status === 401)
    return new CredentialsError('Cloud Run takes no request with these credentials. Log in again.', options);
  if (status === 403)
    return new AccessDeniedError(
      `Google Cloud refuses ${permission} on ${resource}. Give the account a role with it, such as roles/run.developer.`,
      options,
    );
  if (status === 429)
    return new ThrottledError(`Cloud Run takes no more requests of ${permission} for now.`, options);
  const text = `Cloud Run answered ${status ?? 'nothing'} to ${permission} on ${resource}: ${(cause as Error).message}`;
  return status === undefined || status >= 500
    ? new CloudServiceError(text, options)
    : new HeliosError(text, options);
}
