/** Writes a line that Cloud Logging reads as an entry of its own, its fields as `jsonPayload`. */
export function log(
  severity: 'INFO' | 'WARNING' | 'ERROR',
  message: string,
  fields: Readonly<Record<string, unknown>> = {},
): void {
  process.stdout.write(`${JSON.stringify({ severity, message, ...fields })}\n`);
}
