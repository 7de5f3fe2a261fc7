/** What a segment on a queueing device has still to copy out, and what it releases when. */
import { type DeviceWork, readTensor } from './device-wait.js';
import type { ValueId } from './graph.js';
import { type PreparedExports, releaseValue, type SegmentExecution } from './segment-execution.js';

/**
 * Steps whose outputs are to be copied out once a fence has passed them, in order; and the releases. Memory on a
 * queueing device is released in stream order: work submitted before still finds it. A copy to the host does not, so a
 * value that is still to be copied out is kept until then, even where a later step was its last use.
 */
export class PendingExports {
  readonly #execution: SegmentExecution;
  readonly #steps: number[] = [];
  /** Values still to be copied out, and whether they are to be released after that. */
  readonly #kept = new Map<ValueId, boolean>();

  constructor(execution: SegmentExecution) {
    this.#execution = execution;
  }

  /** A step was submitted: what nobody needs after it goes, now or once it has been copied out. */
  submitted(step: number): void {
    const { frees, exports } = this.#execution.steps[step]!;
    if (exports !== undefined) {
      this.#steps.push(step);
      for (const { value } of exports.values) this.#kept.set(value, false);
    }
    for (const value of frees ?? []) {
      if (this.#kept.has(value)) this.#kept.set(value, true);
      else this.#release(value);
    }
  }

  /** Copies out what steps up to `finished` have made. */
  *flush(finished: number): DeviceWork<void> {
    while (this.#steps.length > 0 && this.#steps[0]! <= finished) {
      const step = this.#steps.shift()!;
      yield* this.#copyOut(step, this.#execution.steps[step]!.exports!);
    }
  }

  *#copyOut(step: number, exports: PreparedExports): DeviceWork<void> {
    const copy = this.#execution.copyOut(step, exports);
    for (const entry of exports.values) copy.take(entry, yield* readTensor(copy.tensor(entry)));
    copy.end();
    for (const { value } of exports.values) {
      if (this.#kept.get(value)) this.#release(value);
      this.#kept.delete(value);
    }
  }

  #release(value: ValueId): void {
    const { values, backend } = this.#execution;
    releaseValue(values, backend, value);
  }
}
