import { AwsEndpoint, awsError } from './aws-endpoint.ts';

/** CloudFormation over HTTP on loopback: it knows the stacks that it is given, by their names. */
export function openStacks(
  stacks: Readonly<Record<string, Readonly<Record<string, string>>>>,
): Promise<AwsEndpoint> {
  return AwsEndpoint.open('CLOUDFORMATION', async (_, body) => {
    const request = new URLSearchParams(body);
    if (request.get('Action') !== 'DescribeStacks') return awsError(400, 'InvalidAction');
    const name = request.get('StackName') ?? '';
    const outputs = stacks[name];
    const headers = { 'content-type': 'text/xml' };
    if (!outputs) {
      const error = `<Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id ${name} does not exist</Message>`;
      return { status: 400, headers, body: `<ErrorResponse><Error>${error}</Error></ErrorResponse>` };
    }
    const members = Object.entries(outputs).map(
      ([key, value]) => `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
    );
    const stack = `<StackName>${name}</StackName><StackStatus>CREATE_COMPLETE</StackStatus><Outputs>${members.join('')}</Outputs>`;
    const result = `<DescribeStacksResult><Stacks><member>${stack}</member></Stacks></DescribeStacksResult>`;
    return { headers, body: `<DescribeStacksResponse>${result}</DescribeStacksResponse>` };
  });
}
