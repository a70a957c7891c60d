import {
  DescribeExecutionCommand,
  type DescribeExecutionCommandOutput,
  DescribeMapRunCommand,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  ListExecutionsCommand,
  type MapRunItemCounts,
  SFNClient,
  StartExecutionCommand,
  StopExecutionCommand,
} from '@aws-sdk/client-sfn';
import { ValidationError } from '../utils/errors.ts';
import { askAws } from './aws-errors.ts';

/** A state holds 256 KiB, and an error's cause of up to 32 KiB may come beside the input. */
const MAX_INPUT_BYTES = 200 * 1024;

const isNamed = (error: unknown, name: string): boolean => error instanceof Error && error.name === name;

/** Executions of one state machine, by their names. */
export class StepFunctions {
  readonly #client = new SFNClient({});
  readonly #machine: string;

  constructor(stateMachineArn: string) {
    this.#machine = stateMachineArn;
  }

  /** @returns false when there is an execution of that name, ended or with another input */
  async start(name: string, input: unknown): Promise<boolean> {
    const text = JSON.stringify(input);
    if (Buffer.byteLength(text) > MAX_INPUT_BYTES) {
      throw new ValidationError(
        `The job is ${Buffer.byteLength(text)} bytes of JSON, and a state machine's input may have ${MAX_INPUT_BYTES}. Put large input props into a file of the composition.`,
        { details: { bytes: Buffer.byteLength(text), limit: MAX_INPUT_BYTES } },
      );
    }
    return this.#ask('StartExecution', name, async () => {
      try {
        const request = { stateMachineArn: this.#machine, name, input: text };
        await this.#client.send(new StartExecutionCommand(request));
        return true;
      } catch (error) {
        if (isNamed(error, 'ExecutionAlreadyExists')) return false;
        throw error;
      }
    });
  }

  /** `undefined` when there is none of that name. */
  describe(name: string): Promise<DescribeExecutionCommandOutput | undefined> {
    return this.#ask('DescribeExecution', name, async () => {
      try {
        return await this.#client.send(new DescribeExecutionCommand({ executionArn: this.#arn(name) }));
      } catch (error) {
        if (isNamed(error, 'ExecutionDoesNotExist')) return undefined;
        throw error;
      }
    });
  }

  /** All events, the first one first. */
  async history(name: string): Promise<HistoryEvent[]> {
    const found: HistoryEvent[] = [];
    let nextToken: string | undefined;
    do {
      const request = { executionArn: this.#arn(name), maxResults: 1000, nextToken };
      const page = await this.#ask('GetExecutionHistory', name, () =>
        this.#client.send(new GetExecutionHistoryCommand(request)),
      );
      found.push(...(page.events ?? []));
      ({ nextToken } = page);
    } while (nextToken);
    return found;
  }

  async mapCounts(mapRunArn: string): Promise<MapRunItemCounts | undefined> {
    const { itemCounts } = await this.#ask('DescribeMapRun', mapRunArn, () =>
      this.#client.send(new DescribeMapRunCommand({ mapRunArn })),
    );
    return itemCounts;
  }

  /** Names of the executions that run; none when the state machine is gone. */
  async running(): Promise<string[]> {
    const found: string[] = [];
    let nextToken: string | undefined;
    do {
      const request = { stateMachineArn: this.#machine, statusFilter: 'RUNNING' as const, nextToken };
      const page = await this.#ask('ListExecutions', this.#machine, async () => {
        try {
          return await this.#client.send(new ListExecutionsCommand(request));
        } catch (error) {
          if (isNamed(error, 'StateMachineDoesNotExist')) return undefined;
          throw error;
        }
      });
      for (const { name } of page?.executions ?? []) if (name) found.push(name);
      nextToken = page?.nextToken;
    } while (nextToken);
    return found;
  }

  async stop(name: string, cause: string): Promise<void> {
    const request = { executionArn: this.#arn(name), error: 'Cancelled', cause };
    await this.#ask('StopExecution', name, () => this.#client.send(new StopExecutionCommand(request)));
  }

  [Symbol.dispose](): void {
    this.#client.destroy();
  }

  #arn(name: string): string {
    return `${this.#machine.replace(':stateMachine:', ':execution:')}:${name}`;
  }

  #ask<T>(action: string, resource: string, work: () => Promise<T>): Promise<T> {
    const region = () => this.#client.config.region();
    return askAws({ permission: `states:${action}`, resource, region }, work);
  }
}
