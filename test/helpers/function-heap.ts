/**
 * Node's option for a young generation (8 MiB) as in the stitch function's 1,769 MB. V8 chooses it by the machine's
 * memory: up to 64 MiB on a large one, where a process holds more than it would there.
 */
export const functionHeap = '--max-semi-space-size=8';
