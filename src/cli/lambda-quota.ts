/** Where a person asks AWS for more functions at the same time. */
export const quotaRequest = 'Service Quotas, AWS Lambda, "Concurrent executions" (L-B99A9384)';
