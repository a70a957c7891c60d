import type { Handler } from '../cdk/run-machine.ts';

/** Events of an execution as Step Functions tells them, as far as the farm's client reads them. */
export class ExecutionEvents {
  readonly list: Record<string, unknown>[] = [];

  /** A task's function, with the events of its state. */
  around(name: string, handler: Handler): Handler {
    return async (event) => {
      const entered = this.#add('TaskStateEntered', 0, { stateEnteredEventDetails: { name } });
      const output = await this.#task(entered, () => handler(event));
      const exit = name === 'Plan' ? JSON.stringify({ plan: output }) : '{}';
      this.#add('TaskStateExited', entered, { stateExitedEventDetails: { name, output: exit } });
      if (name === 'Plan')
        this.#add('ParallelStateEntered', 0, { stateEnteredEventDetails: { name: 'Render and mix' } });
      return output;
    };
  }

  /** The render function, with the events of an inline map's iterations. */
  iteration(handler: Handler): Handler {
    const lastOf = new Map<number, number>();
    return async (event) => {
      const { index } = event;
      const begun = lastOf.get(index);
      const started = begun ?? this.#add('MapIterationStarted', 0, {});
      const details = { stateEnteredEventDetails: { name: 'Render segment' } };
      const entered = begun ?? this.#add('TaskStateEntered', started, details);
      try {
        const output = await this.#task(entered, () => handler(event));
        this.#add('MapIterationSucceeded', started, {});
        return output;
      } catch (error) {
        lastOf.set(index, this.list.length);
        throw error;
      }
    };
  }

  async #task(before: number, work: () => unknown): Promise<unknown> {
    const scheduled = this.#add('TaskScheduled', before, {});
    try {
      const output = await work();
      this.#add('TaskSucceeded', scheduled, {});
      return output;
    } catch (error) {
      this.#add('TaskFailed', scheduled, {});
      throw error;
    }
  }

  #add(type: string, previousEventId: number, details: object): number {
    const id = this.list.length + 1;
    this.list.push({ id, previousEventId, type, timestamp: Date.now() / 1000, ...details });
    return id;
  }
}
