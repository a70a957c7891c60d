/**
 * US East (N. Virginia), x86, on demand, first tier, in USD. List prices as known on the date, not read from the
 * price pages on that day: check them at aws.amazon.com/{lambda,step-functions,s3}/pricing.
 */
export const prices = {
  date: '2026-11-23',
  lambdaGbSecond: 0.0000166667,
  lambdaRequest: 0.2 / 1e6,
  /** Of /tmp above 512 MB. */
  storageGbSecond: 0.0000000309,
  stateTransition: 0.025 / 1000,
  s3Put: 0.005 / 1000,
  s3Get: 0.0004 / 1000,
} as const;
