import { DiskFullError, HeliosError, OutputError, StorageError } from './errors.ts';

/** The `code` of a Node system error, such as `ENOENT`. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** A system error of writing a file as an error of ours that names the file and says what to do. */
export function toWriteError(error: unknown, file: string): HeliosError {
  if (error instanceof HeliosError) return error;
  const details = { file, code: errorCode(error) };
  switch (details.code) {
    case 'ENOSPC':
    case 'EDQUOT':
      return new DiskFullError(
        `No space is left to write ${file}. Free some space, or choose another place.`,
        {
          cause: error,
          details,
        },
      );
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
    case 'EISDIR':
    case 'ENOTDIR':
    case 'ENOENT':
    case 'EEXIST':
    case 'ENAMETOOLONG':
      return new OutputError(`Can't write ${file} (${details.code}). Check the path and its permissions.`, {
        cause: error,
        details,
      });
    default:
      return new StorageError(`Writing ${file} failed: ${String(error)}.`, { cause: error, details });
  }
}
