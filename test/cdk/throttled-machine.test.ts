import { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { expect, test } from 'vitest';
import { TestLambda } from '../helpers/test-lambda.ts';
import { runMachine, wellBehaved } from './run-machine.ts';

/** Invokes as Step Functions does: an error of Lambda's API is named `Lambda.<its name>`. */
async function invoke(client: LambdaClient, event: unknown): Promise<unknown> {
  const request = new InvokeCommand({ FunctionName: 'render', Payload: JSON.stringify(event) });
  const { Payload } = await client.send(request).catch((error: Error) => {
    error.name = `Lambda.${error.name}`;
    throw error;
  });
  return JSON.parse(Payload?.transformToString() ?? 'null');
}

test('a render gets through when Lambda answers every second invocation with 429', async () => {
  const functions = { render: async (event: unknown) => wellBehaved.render(event) };
  await using lambda = await TestLambda.open(functions, (invocation) =>
    invocation % 2 === 0 ? undefined : 'throttle',
  );
  const client = new LambdaClient({ maxAttempts: 1 });
  const { output, calls } = await runMachine({ ...wellBehaved, render: (event) => invoke(client, event) });
  client.destroy();
  expect(output).toMatchObject({ frames: 30 });
  expect(lambda.invocations).toBeGreaterThanOrEqual(6);
  expect(calls.filter(([name]) => name === 'render')).toHaveLength(lambda.invocations);
});
