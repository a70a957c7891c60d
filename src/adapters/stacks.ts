import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { askAws, regionOf } from './aws-errors.ts';

/** A stack that CloudFormation knows, however its last change went. */
export interface FoundStack {
  readonly name: string;
  readonly outputs: Readonly<Record<string, string>>;
}

/** `undefined` when there is none of that name, and `region` is where it was looked for. */
export async function findStack(
  name: string,
): Promise<{ readonly region: string; readonly stack: FoundStack | undefined }> {
  const client = new CloudFormationClient({});
  const region = () => client.config.region();
  try {
    const stack = await askAws({ permission: 'cloudformation:DescribeStacks', resource: name, region }, () =>
      describe(client, name),
    );
    return { region: await regionOf(region), stack };
  } finally {
    client.destroy();
  }
}

async function describe(client: CloudFormationClient, name: string): Promise<FoundStack | undefined> {
  try {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: name }));
    const [found] = Stacks;
    if (!found || found.StackStatus === 'DELETE_COMPLETE') return undefined;
    const outputs = (found.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [
      OutputKey,
      OutputValue,
    ]);
    return { name, outputs: Object.fromEntries(outputs) };
  } catch (error) {
    // What CloudFormation calls a name that it does not know.
    if (error instanceof Error && error.name === 'ValidationError') return undefined;
    throw error;
  }
}
