interface Entry {
  readonly time: number;
  readonly order: number;
  readonly action: () => void;
}

const isBefore = (a: Entry, b: Entry): boolean => a.time < b.time || (a.time === b.time && a.order < b.order);

/** What happens when, in simulated milliseconds; of two things at one time, the one entered first comes first. */
export class Agenda {
  readonly #heap: Entry[] = [];
  #now = 0;
  #entered = 0;

  get now(): number {
    return this.#now;
  }

  at(time: number, action: () => void): void {
    const entry = { time: Math.max(time, this.#now), order: this.#entered++, action };
    const heap = this.#heap;
    let place = heap.push(entry) - 1;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      const above = heap[parent] as Entry;
      if (!isBefore(entry, above)) break;
      heap[place] = above;
      place = parent;
    }
    heap[place] = entry;
  }

  /** Does everything in its order. @returns when the last thing happened */
  run(): number {
    for (let next = this.#take(); next; next = this.#take()) {
      this.#now = next.time;
      next.action();
    }
    return this.#now;
  }

  #take(): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (!first || !last || first === last) return first;
    let place = 0;
    for (;;) {
      let child = 2 * place + 1;
      const [left, right] = [heap[child], heap[child + 1]];
      if (left && right && isBefore(right, left)) child++;
      const below = heap[child];
      if (!below || isBefore(last, below)) break;
      heap[place] = below;
      place = child;
    }
    heap[place] = last;
    return first;
  }
}
