/** Events in order of time; equal times in order of insertion. A binary heap. */

/** Something that happens at a point in virtual time. */
export interface VirtualEvent {
  readonly atMs: number;
  readonly order: number;
  readonly callback: () => void;
  cancelled: boolean;
}

function isBefore(a: VirtualEvent, b: VirtualEvent): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

export class EventQueue {
  readonly #heap: VirtualEvent[] = [];
  #order = 0;

  /** Whether nothing is queued, not even cancelled events. */
  get isEmpty(): boolean {
    return this.#heap.length === 0;
  }

  add(atMs: number, callback: () => void): VirtualEvent {
    const event: VirtualEvent = { atMs, order: this.#order++, callback, cancelled: false };
    this.#heap.push(event);
    this.#rise(this.#heap.length - 1);
    return event;
  }

  /** Takes the next event that was not cancelled. */
  take(): VirtualEvent | undefined {
    for (;;) {
      const first = this.#heap[0];
      if (first === undefined) return undefined;
      const last = this.#heap.pop()!;
      if (this.#heap.length > 0) {
        this.#heap[0] = last;
        this.#sink();
      }
      if (!first.cancelled) return first;
    }
  }

  #rise(index: number): void {
    const heap = this.#heap;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!isBefore(heap[index]!, heap[parent]!)) return;
      [heap[index], heap[parent]] = [heap[parent]!, heap[index]!];
      index = parent;
    }
  }

  #sink(): void {
    const heap = this.#heap;
    let index = 0;
    for (;;) {
      let least = index;
      for (const child of [2 * index + 1, 2 * index + 2]) {
        if (child < heap.length && isBefore(heap[child]!, heap[least]!)) least = child;
      }
      if (least === index) return;
      [heap[index], heap[least]] = [heap[least]!, heap[index]!];
      index = least;
    }
  }
}
