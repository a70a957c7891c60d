import { HeliosError } from '../../src/utils/errors.ts';
import { AwsEndpoint, awsError } from './aws-endpoint.ts';

/** What goes wrong with an invocation. */
export type LambdaFault = 'throttle' | 'crash' | 'timeout' | 'hang' | 'unavailable';

/** Thrown by a function whose process ended. */
export class FunctionEnded extends Error {}

/** Thrown by a function in another process; `answer` is what Lambda's caller gets. */
export class FunctionFailed extends Error {
  readonly answer: object;

  constructor(answer: object) {
    super(JSON.stringify(answer));
    this.answer = answer;
  }
}

/** Called with the number of the invocation, from 1, and its event. */
export type LambdaFaults = (invocation: number, event: never) => LambdaFault | undefined;

/** The Invoke API of Lambda over HTTP, with whatever the test gives it as the functions. */
export class TestLambda implements AsyncDisposable {
  invocations = 0;
  atWork = 0;
  mostAtWork = 0;
  readonly #endpoint: AwsEndpoint;

  private constructor(endpoint: AwsEndpoint) {
    this.#endpoint = endpoint;
  }

  static async open(
    functions: Readonly<Record<string, (event: unknown) => Promise<unknown>>>,
    faults: LambdaFaults = () => undefined,
  ): Promise<TestLambda> {
    let self: TestLambda | undefined;
    const endpoint = await AwsEndpoint.open('LAMBDA', async ({ url = '' }, body) => {
      const name = /\/functions\/([^/]+)\/invocations/.exec(url)?.[1] ?? '';
      const handler = functions[name];
      if (!handler || !self) return awsError(404, 'ResourceNotFoundException');
      const fault = faults(++self.invocations, JSON.parse(body) as never);
      if (fault) return answerOf(fault);
      self.mostAtWork = Math.max(self.mostAtWork, ++self.atWork);
      try {
        return { body: await handler(JSON.parse(body)) };
      } catch (error) {
        if (error instanceof FunctionEnded) return answerOf('crash');
        if (error instanceof FunctionFailed) return failed(error.answer);
        if (!(error instanceof HeliosError)) throw error;
        return failed({ errorType: error.name, errorMessage: error.message, trace: [] });
      } finally {
        self.atWork--;
      }
    });
    self = new TestLambda(endpoint);
    return self;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#endpoint[Symbol.asyncDispose]();
  }
}

function failed(body: object) {
  return { headers: { 'x-amz-function-error': 'Unhandled' }, body };
}

function answerOf(fault: LambdaFault) {
  const message = 'RequestId: 1 Error:';
  if (fault === 'throttle') return awsError(429, 'TooManyRequestsException');
  if (fault === 'unavailable') return awsError(503, 'ServiceException');
  if (fault === 'hang') return undefined;
  return fault === 'crash'
    ? failed({ errorType: 'Runtime.ExitError', errorMessage: `${message} Runtime exited` })
    : failed({
        errorType: 'Sandbox.Timedout',
        errorMessage: `${message} Task timed out after 900.00 seconds`,
      });
}
