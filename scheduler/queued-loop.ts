/** The node loop of queueing devices, whose kernels' calls return before the work is done. */
import { type CancellationMode, isStopped } from './cancellation.js';
import { type DeviceWork, pauseFor, submitWork, waitForMark } from './device-wait.js';
import { DrainWindow } from './drain-window.js';
import { invariant } from './errors.js';
import type { NodeId } from './graph.js';
import type { InFlightWindow } from './in-flight-window.js';
import type { QueueingBackend } from './kernel.js';
import { MarkWindow } from './mark-window.js';
import { PendingExports } from './pending-exports.js';
import type { LoopResult, SegmentExecution } from './segment-execution.js';
import { RECORD_KIND } from './timeline-record.js';
import type { Mark } from './work-queue.js';

/** A segment on a queueing device. */
export interface QueuedExecution extends SegmentExecution {
  readonly backend: QueueingBackend;
}

/** The loop of one segment; see `runQueued`. */
class QueuedLoop {
  readonly #execution: QueuedExecution;
  readonly #mode: CancellationMode;
  readonly #window: InFlightWindow;
  readonly #exports: PendingExports;
  /** The mark behind each step, from the segment's first on. */
  readonly #marks: Mark[] = [];
  /** Whether the last step may not have reached the device yet. */
  #isDeferred = false;
  /** The first step that is not known to have finished when a wait threw. */
  #failedFrom: number | undefined;

  constructor(execution: QueuedExecution, mode: CancellationMode) {
    this.#execution = execution;
    this.#mode = mode;
    const precisionMs = mode.kind === 'precision' ? mode.precisionMs : Number.POSITIVE_INFINITY;
    const Window = execution.backend.queue.fences === 'each' ? MarkWindow : DrainWindow;
    this.#window = new Window(execution.costs, precisionMs, execution.firstStep);
    this.#exports = new PendingExports(execution);
  }

  *run(): DeviceWork<LoopResult> {
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
  *#makeRoom(index: number): DeviceWork<void> {
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
      else yield* this.#pause(room.ms, index);
    }
  }

  *#pause(ms: number, index: number): DeviceWork<void> {
    const { timeline, control, clock } = this.#execution;
    // The device must have what it is to work on meanwhile.
    if (this.#isDeferred) yield* submitWork();
    if (this.#isDeferred) this.#window.handedOver(clock.nowMs());
    this.#isDeferred = false;
    const startMs = timeline?.nowMs() ?? 0;
    yield* pauseFor(ms, control);
    timeline?.span(RECORD_KIND.pause, this.#node(index), startMs);
  }

  *#submit(index: number): DeviceWork<void> {
    const { steps, values, clock, timeline } = this.#execution;
    const step = steps[index]!;
    const startMs = timeline?.nowMs() ?? 0;
    step.run(values);
    if (this.#mode.kind === 'precision') this.#window.submitted(index, clock.nowMs());
    else this.#window.submitted(index, 0);
    this.#isDeferred = this.#mayDefer(index);
    this.#marks.push(yield* submitWork(this.#isDeferred));
    if (!this.#isDeferred && this.#mode.kind === 'precision') this.#window.handedOver(clock.nowMs());
    // The call of a chunk returns when its work is done.
    if (step.parts !== undefined) timeline?.step(step, startMs, timeline.nowMs());
    else timeline?.span(RECORD_KIND.submit, step.node, startMs);
    this.#exports.submitted(index);
    if (step.exports?.awaited) yield* this.#fence(index);
  }

  /** Whether the step may reach the device together with those after it. */
  #mayDefer(index: number): boolean {
    const { steps, endStep } = this.#execution;
    if (this.#mode.kind === 'node' || index + 1 === endStep || steps[index]!.exports?.awaited) return false;
    return this.#mode.kind === 'none' || this.#window.mayDefer();
  }

  /** Waits for a step, and with it for all that has its mark or is before it. */
  *#fence(asked: number): DeviceWork<void> {
    const { timeline, firstStep, backend } = this.#execution;
    const step = this.#lastOfMark(asked);
    // A step whose submission has failed has no mark.
    const mark = this.#marks[step - firstStep] ?? this.#marks.at(-1);
    if (mark === undefined) return;
    const asksForAll = step === this.#window.last;
    invariant(backend.queue.fences === 'each' || asksForAll, 'a wait that drains asks for the last step');
    const startMs = timeline?.nowMs() ?? 0;
    const waited = yield* this.#waitFor(mark);
    timeline?.span(RECORD_KIND.fence, this.#node(step), startMs);
    if (this.#mode.kind === 'precision') this.#window.finished(step, this.#execution.clock.nowMs(), waited);
    else this.#window.passed(step);
    yield* this.#exports.flush(step);
  }

  #lastOfMark(step: number): number {
    const { firstStep } = this.#execution;
    let last = step;
    while (last < this.#window.last && this.#marks[last + 1 - firstStep] === this.#marks[step - firstStep])
      last++;
    return last;
  }

  *#waitFor(mark: Mark): DeviceWork<boolean> {
    try {
      return yield* waitForMark(mark);
    } catch (error) {
      this.#failedFrom ??= this.#window.head;
      throw error;
    }
  }

  *#drain(): DeviceWork<void> {
    if (!this.#window.isEmpty) yield* this.#fence(this.#window.last);
  }

  /** After an error nothing more is submitted, and what is in flight ends before its memory is touched. */
  *#fail(error: unknown): DeviceWork<LoopResult> {
    try {
      yield* this.#drain();
    } catch {
      // The device reports the same failure again, or a later one; the first is the run's error.
    }
    return { nextStep: this.#failedFrom ?? this.#window.head, status: 'failed', error };
  }
}

/**
 * Executes a segment on a queueing device. `'none'` submits ahead as far as the device's queue goes; `'node'` keeps one
 * node in flight; `{ precisionMs }` bounds the estimated time in flight. Whatever happens, nothing is in flight when it
 * returns.
 */
export function runQueued(execution: QueuedExecution, mode: CancellationMode): DeviceWork<LoopResult> {
  return new QueuedLoop(execution, mode).run();
}
