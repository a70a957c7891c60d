const TRANSIENT = new Set([408, 429, 500, 502, 503, 504]);

/** The HTTP status of an error of google-auth-library; `undefined` when there was no answer. */
export function authStatus(error: unknown): number | undefined {
  const { status } = (error ?? {}) as { status?: unknown };
  return typeof status === 'number' ? status : undefined;
}

/** Whether tokens may be there later: their server did not answer, or said so. Without credentials it is asked nothing. */
export function isTransientAuthError(error: unknown): boolean {
  const status = authStatus(error);
  if (status !== undefined) return TRANSIENT.has(status);
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string';
}
