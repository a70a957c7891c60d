import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LambdaAdapter } from '../../src/adapters/lambda-adapter.ts';
import { LocalAdapter } from '../../src/adapters/local-adapter.ts';
import { Handlers } from '../../src/orchestrator/handlers.ts';
import { JobOrchestrator } from '../../src/orchestrator/job-orchestrator.ts';
import type { CloudAdapter, FrameJobContext, FrameWorker } from '../../src/types/contracts.ts';
import type { FrameJob, FrameResult } from '../../src/types/frame-job.ts';
import { throwIfAborted } from '../../src/utils/abort.ts';
import { decodeBarcodes } from '../helpers/barcode.ts';
import { expectNothingLeft, frameNumbers } from '../helpers/fault-scene.ts';
import { toolPatterns, until, untilTool } from '../helpers/processes.ts';
import { fixture, Renderer } from '../helpers/renderer.ts';
import { TestLambda } from '../helpers/test-lambda.ts';

const SEGMENTS = 4;
const FRAMES = 240;
const HUNG = 1;
const SLOW = 2;
const job = {
  composition: { source: fixture('barcode-raf'), durationInFrames: FRAMES },
  chunking: { segments: SEGMENTS },
};

let renderer: Renderer;
beforeEach(async () => {
  renderer = await Renderer.open();
});
afterEach(() => renderer[Symbol.asyncDispose]());

/** The first attempt at one segment has its encoder stopped in mid-render; at another it is slow. */
class FaultyAdapter implements CloudAdapter {
  readonly attempts: number[] = [];
  readonly ends: string[] = [];
  #open = 0;
  readonly #local = new LocalAdapter({ concurrency: SEGMENTS });

  async invoke(worker: FrameWorker, frameJob: FrameJob, context: FrameJobContext = {}): Promise<FrameResult> {
    const { index } = frameJob;
    const first = !this.attempts.includes(index);
    this.attempts.push(index);
    this.#open++;
    const work = (): Promise<FrameResult> => this.#local.invoke(worker, frameJob, context);
    try {
      if (first && index === SLOW) await this.#dawdle(frameJob, context);
      if (!first || index !== HUNG) return await work();
      await until('the other segments', () =>
        this.#local.getStatus().completed >= SEGMENTS - 2 ? true : undefined,
      );
      const [encoder, result] = [untilTool(toolPatterns.segmentEncoder), work()];
      process.kill((await encoder).pid, 'SIGSTOP');
      return await result;
    } catch (error) {
      this.ends.push(`${index} ${(error as Error).name}`);
      throw error;
    } finally {
      this.#open--;
    }
  }

  /** Tells of a frame a second, as a worker does whose machine is busy with something else. */
  async #dawdle({ range: [start, end] }: FrameJob, { signal, onFrames }: FrameJobContext): Promise<void> {
    for (let done = 1; done <= end - start; done++) {
      await sleep(1000, undefined, { signal }).catch(() => throwIfAborted(signal));
      onFrames?.(done);
    }
  }

  getStatus() {
    return { ...this.#local.getStatus(), inFlight: this.#open };
  }
}

test('a segment that hangs and one that is slow are rendered by a second attempt', {
  timeout: 60_000,
}, async () => {
  const adapter = new FaultyAdapter();
  const output = `${renderer.folder}/out.mp4`;
  const result = await new JobOrchestrator(renderer.worker, adapter).run({
    ...job,
    id: 'late',
    outputPath: output,
  });
  expect(result.segments).toEqual({ total: SEGMENTS, cached: 0, rendered: SEGMENTS, duplicated: 2 });
  expect(await decodeBarcodes(output)).toEqual(frameNumbers(0, FRAMES));
  expect(adapter.attempts.toSorted()).toEqual([0, 1, 1, 2, 2, 3]);
  expect(adapter.ends.toSorted()).toEqual(['1 AbortedError', '2 AbortedError']);
  await renderer.worker[Symbol.asyncDispose]();
  await expectNothingLeft();
});

test('an invocation of a function that never answers is left alone, and made a second time', {
  timeout: 60_000,
}, async () => {
  await using handlers = new Handlers(renderer.store);
  let hung = 0;
  await using lambda = await TestLambda.open({ render: (event) => handlers.render(event) }, (_, event) =>
    (event as FrameJob).index === HUNG && hung++ === 0 ? 'hang' : undefined,
  );
  await using adapter = new LambdaAdapter({ functionName: 'render', concurrency: 2 });
  const output = `${renderer.folder}/out.mp4`;
  const result = await new JobOrchestrator(renderer.worker, adapter).run({
    ...job,
    id: 'far',
    outputPath: output,
  });
  expect(result.segments).toEqual({ total: SEGMENTS, cached: 0, rendered: SEGMENTS, duplicated: 1 });
  expect(await decodeBarcodes(output)).toEqual(frameNumbers(0, FRAMES));
  expect(lambda.invocations).toBe(SEGMENTS + 1);
  expect(adapter.getStatus()).toMatchObject({ inFlight: 0, completed: SEGMENTS, failed: 1 });
});
