/** Lambda's loop in a process: asks the Runtime API for an event, runs the handler, tells its answer. */
const { AWS_LAMBDA_RUNTIME_API: api = '', HANDLER_FILE: file = '' } = process.env;
const invocation = `http://${api}/2018-06-01/runtime/invocation`;
const { handler } = (await import(file)) as {
  handler: (event: unknown, context: object) => Promise<unknown>;
};

for (;;) {
  const next = await fetch(`${invocation}/next`);
  const id = next.headers.get('lambda-runtime-aws-request-id') ?? '';
  const deadline = Number(next.headers.get('lambda-runtime-deadline-ms'));
  const context = {
    awsRequestId: id,
    functionName: 'render',
    functionVersion: '$LATEST',
    invokedFunctionArn: next.headers.get('lambda-runtime-invoked-function-arn'),
    memoryLimitInMB: '3008',
    logGroupName: '/aws/lambda/render',
    logStreamName: 'stream',
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
  const tell = (what: string, value: unknown) =>
    fetch(`${invocation}/${id}/${what}`, { method: 'POST', body: JSON.stringify(value) });
  try {
    await tell('response', await handler(await next.json(), context));
  } catch (error) {
    const { name, message } = error as Error;
    await tell('error', { errorType: name, errorMessage: message, stackTrace: [] });
  }
}
