/**
 * The node loop of queueing devices, whose kernels' calls return before the work is done. It is a generator: wherever
 * the stream's thread has to wait, it yields what for, and whoever drives it waits (a real device blocks its thread,
 * the virtual device lets virtual time pass).
 */
import { type CancellationMode, isStopped } from './cancellation.js';
import type { NodeId, ValueId } from './graph.js';
import { InFlightWindow } from './in-flight-window.js';
import type { LoopResult, SegmentExecution } from './node-loop.js';
import type { NodeExports } from './program.js';
import { RECORD_KIND } from './timeline-record.js';

/** What the loop waits for. */
export type DeviceWait =
  /** A node was handed to the device; nothing to wait for but the submission itself. */
  | { readonly kind: 'submit'; readonly step: number }
  /** Wait until this step and all before it have finished. Answered with whether the wait took time. */
  | { readonly kind: 'fence'; readonly step: number }
  /** Wait for a while, or until the run is stopped. */
  | { readonly kind: 'pause'; readonly ms: number };

/** The answer to a wait: whether it blocked. */
export type DeviceWaiting<Result> = Generator<DeviceWait, Result, boolean>;

/**
 * Steps whose outputs are to be copied out once a fence has passed them, in order; and the releases. Memory on a
 * queueing device is released in stream order: work submitted before still finds it. A copy to the host does not, so a
 * value that is still to be copied out is kept until then, even where a later step was its last use.
 */
class PendingExports {
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
      for (const value of exportedValues(exports)) this.#kept.set(value, false);
    }
    for (const value of frees ?? []) {
      if (this.#kept.has(value)) this.#kept.set(value, true);
      else this.#release(value);
    }
  }

  /** Copies out what steps up to `finished` have made. */
  flush(finished: number): void {
    while (this.#steps.length > 0 && this.#steps[0]! <= finished) {
      const step = this.#steps.shift()!;
      const exports = this.#execution.steps[step]!.exports!;
      this.#execution.onExports(step, exports);
      for (const value of exportedValues(exports)) {
        if (this.#kept.get(value)) this.#release(value);
        this.#kept.delete(value);
      }
    }
  }

  #release(value: ValueId): void {
    const { values, backend } = this.#execution;
    backend.release(values[value]!);
    values[value] = undefined;
  }
}

function exportedValues({ toExchange, toMain }: NodeExports): ReadonlySet<ValueId> {
  return new Set([...toExchange, ...toMain].map(({ value }) => value));
}

/** The loop of one segment; see `runQueued`. */
class QueuedLoop {
  readonly #execution: SegmentExecution;
  readonly #mode: CancellationMode;
  readonly #window: InFlightWindow;
  readonly #exports: PendingExports;

  constructor(execution: SegmentExecution, mode: CancellationMode) {
    this.#execution = execution;
    this.#mode = mode;
    const precisionMs = mode.kind === 'precision' ? mode.precisionMs : Number.POSITIVE_INFINITY;
    this.#window = new InFlightWindow(execution.costs, precisionMs, execution.firstStep);
    this.#exports = new PendingExports(execution);
  }

  *run(): DeviceWaiting<LoopResult> {
    const { firstStep, endStep } = this.#execution;
    let index = firstStep;
    try {
      for (; index < endStep; index++) {
        yield* this.#makeRoom(index);
        if (this.#isStopped()) {
          this.#execution.timeline?.moment(RECORD_KIND.stop, this.#node(index));
          break;
        }
        yield* this.#submit(index);
      }
      yield* this.#drain();
    } catch (error) {
      return yield* this.#fail(error);
    }
    return { nextStep: index, status: index < endStep ? 'stopped' : 'completed' };
  }

  #isStopped(): boolean {
    return this.#mode.kind !== 'none' && isStopped(this.#execution.control);
  }

  #node(step: number): NodeId {
    return this.#execution.steps[step]!.node;
  }

  /** Waits as the mode demands before the step may be submitted. */
  *#makeRoom(index: number): DeviceWaiting<void> {
    if (this.#mode.kind === 'none') return;
    if (this.#mode.kind === 'node') {
      yield* this.#drain();
      return;
    }
    const { clock, costs } = this.#execution;
    while (!this.#isStopped()) {
      const room = this.#window.makeRoom(costs.ms[index]!, clock.nowMs());
      if (room.kind === 'none') return;
      if (room.kind === 'fence') yield* this.#fence(room.step);
      else yield* this.#pause(room, index);
    }
  }

  *#pause(pause: DeviceWait & { kind: 'pause' }, index: number): DeviceWaiting<void> {
    const { timeline } = this.#execution;
    const startMs = timeline?.nowMs() ?? 0;
    yield pause;
    timeline?.span(RECORD_KIND.pause, this.#node(index), startMs);
  }

  *#submit(index: number): DeviceWaiting<void> {
    const { steps, values, clock, timeline } = this.#execution;
    const step = steps[index]!;
    const startMs = timeline?.nowMs() ?? 0;
    step.run(values);
    if (this.#mode.kind === 'precision') this.#window.submitted(index, clock.nowMs());
    else this.#window.submitted(index, 0);
    yield { kind: 'submit', step: index };
    timeline?.span(RECORD_KIND.submit, step.node, startMs);
    this.#exports.submitted(index);
    if (step.exports?.awaited) yield* this.#fence(index);
  }

  *#fence(step: number): DeviceWaiting<void> {
    const { timeline } = this.#execution;
    const startMs = timeline?.nowMs() ?? 0;
    const waited = yield { kind: 'fence', step };
    timeline?.span(RECORD_KIND.fence, this.#node(step), startMs);
    if (this.#mode.kind === 'precision') this.#window.finished(step, this.#execution.clock.nowMs(), waited);
    else this.#window.passed(step);
    this.#exports.flush(step);
  }

  *#drain(): DeviceWaiting<void> {
    if (!this.#window.isEmpty) yield* this.#fence(this.#window.last);
  }

  /** After an error nothing more is submitted, and what is in flight ends before its memory is touched. */
  *#fail(error: unknown): DeviceWaiting<LoopResult> {
    try {
      yield* this.#drain();
    } catch {
      // The device reports the same failure again, or a later one; the first is the run's error.
    }
    return { nextStep: this.#window.head, status: 'failed', error };
  }
}

/**
 * Executes a segment on a queueing device. `'none'` submits ahead as far as the device's queue goes; `'node'` keeps one
 * node in flight; `{ precisionMs }` bounds the estimated time in flight. Whatever happens, nothing is in flight when it
 * returns.
 */
export function runQueued(execution: SegmentExecution, mode: CancellationMode): DeviceWaiting<LoopResult> {
  return new QueuedLoop(execution, mode).run();
}
