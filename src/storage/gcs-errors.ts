import {
  AccessDeniedError,
  CredentialsError,
  HeliosError,
  NotFoundError,
  StorageError,
  StoreAddressError,
} from '../utils/errors.ts';

const permissions = {
  read: 'storage.objects.get',
  write: 'storage.objects.create',
  list: 'storage.objects.list',
  delete: 'storage.objects.delete',
} as const;

/** What was asked of a bucket. */
export interface GcsRequest {
  readonly action: keyof typeof permissions;
  readonly bucket: string;
  /** The whole key, or the prefix of a list. */
  readonly key: string;
  /** When it was asked, in the milliseconds of `performance.now()`. */
  readonly since: number;
  /** A 404 of a bucket that is there: of an upload's session, or an object, that went away meanwhile. */
  readonly wentAway: boolean;
}

const TRANSIENT = new Set([408, 429, 500, 502, 503, 504]);

/** The HTTP status of an error of the client; `undefined` when there was no answer. */
export function gcsStatus(error: unknown): number | undefined {
  const { code } = (error ?? {}) as { code?: unknown };
  const status = typeof code === 'string' ? Number(code) : code;
  return typeof status === 'number' && status >= 100 ? status : undefined;
}

/** Whether the same request may succeed later: no answer, or one that says so. */
export function isTransient(error: unknown): boolean {
  const status = gcsStatus(error);
  return status === undefined || TRANSIENT.has(status);
}

/** An error of the client as one that a user can act on. */
export function toStoreError(error: unknown, request: GcsRequest): HeliosError {
  if (error instanceof HeliosError) return error;
  const { action, bucket, key, since, wentAway } = request;
  const status = gcsStatus(error);
  const absent = status === 404 && !wentAway;
  const seconds = Math.round((performance.now() - since) / 100) / 10;
  const url = `gs://${bucket}/${key}`;
  const details = { bucket, key, status, seconds };
  if (absent && (action === 'write' || action === 'list')) {
    return new StoreAddressError(`There is no bucket ${bucket}. Check HELIOS_STORE and the project.`, {
      cause: error,
      details,
    });
  }
  if (absent) return new NotFoundError(`The store has no ${url}.`, { cause: error, details });
  if (status === 401) {
    return new CredentialsError(
      'Cloud Storage takes no request with these credentials. Log in again with: gcloud auth application-default login',
      { cause: error, details },
    );
  }
  if (status === 403) {
    const permission = permissions[action];
    return new AccessDeniedError(
      `Cloud Storage refuses ${permission} on ${url}. Give the account roles/storage.objectUser on the bucket; writing over an object needs storage.objects.delete as well.`,
      { cause: error, details: { ...details, permission } },
    );
  }
  const answer = status === undefined ? 'Cloud Storage did not answer' : `Cloud Storage answered ${status}`;
  return new StorageError(
    `${answer} to ${permissions[action]} on ${url} (${seconds} s): ${(error as Error).message}`,
    { cause: error, details },
  );
}
