import { homedir } from 'node:os';
import path from 'node:path';
import { UnsafePathError } from './errors.ts';

/** The user's cache folder for this kit: `$XDG_CACHE_HOME/helios-infra`, else `~/.cache/helios-infra`. */
export function cacheFolder(): string {
  return path.join(process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'helios-infra');
}

/**
 * A relative path with forward slashes that stays in its folder, as it came in.
 * @throws UnsafePathError for absolute paths, `..`, back slashes, empty parts and control characters
 */
export function assertSafeRelativePath(relative: string): string {
  const parts = relative.split('/');
  const bad = parts.some((part) => part === '' || part === '.' || part === '..' || /[\\\p{Cc}]/u.test(part));
  if (bad || relative.length > 1024) {
    throw new UnsafePathError(
      `The path ${JSON.stringify(relative)} leaves its folder or is not a plain relative path.`,
      {
        details: { path: relative },
      },
    );
  }
  return relative;
}

/**
 * A prefix of such paths, as it came in: it may be empty, or end anywhere in a part.
 * @throws UnsafePathError
 */
export function assertSafePrefix(prefix: string): string {
  if (prefix !== '') assertSafeRelativePath(`${prefix}x`);
  return prefix;
}
