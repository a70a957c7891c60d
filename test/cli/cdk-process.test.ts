import { expect, test } from 'vitest';
import { cdkError } from '../../src/cli/cdk-process.ts';

test('a permission that is missing is named', () => {
  const output =
    'User: arn:aws:iam::1:user/u is not authorized to perform: cloudformation:CreateChangeSet on';
  expect(cdkError('deploy', 'us-east-1', output)).toMatchObject({
    name: 'AccessDeniedError',
    message: expect.stringContaining('AWS refuses cloudformation:CreateChangeSet in us-east-1'),
  });
});

test('a reservation that the account’s quota does not allow ends in what to do', () => {
  const output = `helios-infra-films | CREATE_FAILED | AWS::Lambda::Function | Resource handler returned message: "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [10]. (Service: Lambda, Status Code: 400)"`;
  expect(cdkError('deploy', 'eu-west-1', output)).toMatchObject({
    name: 'DeployError',
    message:
      'The concurrency quota of the account in eu-west-1 does not allow this reservedConcurrency: AWS keeps 10 functions without a reservation. Leave reservedConcurrency out or lower it, or ask for more: Service Quotas, AWS Lambda, "Concurrent executions" (L-B99A9384).',
    details: { region: 'eu-west-1', output },
  });
});

test('any other failure shows the last words of the CDK', () => {
  expect(cdkError('destroy', 'us-east-1', 'Something broke')).toMatchObject({
    name: 'DeployError',
    message: expect.stringContaining('cdk destroy failed in us-east-1'),
    details: { output: 'Something broke' },
  });
});
