import { DeployError } from '../utils/errors.ts';

const QUOTA = /Quota violated|Max instances must be set to|maxScale may not exceed|Quota exceeded/i;
const MOST = /(?:Max instances must be set to|maxScale may not exceed) (\d+)/i;

/** An error of gcloud, with what helps when the project may not have so many instances. */
export function explainQuota(error: unknown): unknown {
  const output = error instanceof DeployError ? String(error.details.output) : '';
  if (!QUOTA.test(output)) return error;
  const most = Number(MOST.exec(output)?.[1]);
  const remedy = most > 0 ? `--max-parallel ${most}` : 'a smaller --max-parallel';
  return new DeployError(
    `The project's quota in this region does not allow so many instances. Deploy with ${remedy}, or ask for more at https://cloud.google.com/run/quotas. What gcloud said is below.`,
    { cause: error, details: (error as DeployError).details },
  );
}
