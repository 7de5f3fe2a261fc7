/**
 * Executes the nodes of a segment, with the cancellation points of each mode between them. Every mode has a loop of
 * its own, so that `'none'` contains no check at all.
 */
import {
  type CancellationMode,
  type ControlWord,
  checkSpacingMs,
  isStopped,
  type NodeCosts,
} from './cancellation.js';
import type { Clock } from './clock.js';
import type { ValueId } from './graph.js';
import type { KernelBackend, PreparedNode, ValueTable } from './kernel.js';
import type { NodeExports } from './program.js';

/** A step made ready by the stream that executes it. */
export interface PreparedStep {
  readonly run: PreparedNode;
  /** Values whose last use this is; `undefined` when there are none. */
  readonly frees: readonly ValueId[] | undefined;
  readonly exports: NodeExports | undefined;
}

/** What the loops work on: one segment of one run. */
export interface SegmentExecution {
  readonly steps: readonly PreparedStep[];
  readonly firstStep: number;
  readonly endStep: number;
  readonly values: ValueTable;
  readonly backend: KernelBackend;
  readonly control: ControlWord;
  readonly clock: Clock;
  readonly costs: NodeCosts;
  /** Copies out what others need of a step that has just run. */
  onExports(step: number, exports: NodeExports): void;
  /** When the run is recorded: start and end in milliseconds by step, both on the shared clock. */
  readonly times: StepTimes | undefined;
}

/** Start and end of each step, `NaN` where it did not run. */
export interface StepTimes {
  readonly startMs: Float64Array;
  readonly endMs: Float64Array;
}

/** Where a loop ended: `nextStep === endStep` when the segment is complete. */
export interface LoopResult {
  readonly nextStep: number;
  readonly status: 'completed' | 'stopped' | 'failed';
  /** What the step at `nextStep` threw. */
  readonly error?: unknown;
}

/** Releases what nobody needs after a step, having copied out what others need. */
function afterStep(execution: SegmentExecution, index: number, step: PreparedStep): void {
  if (step.exports !== undefined) execution.onExports(index, step.exports);
  const { frees } = step;
  if (frees === undefined) return;
  const { values, backend } = execution;
  for (let i = 0; i < frees.length; i++) {
    const value = frees[i]!;
    backend.release(values[value]!);
    values[value] = undefined;
  }
}

/** Mode `'none'`: nothing between the nodes. */
function runFree(execution: SegmentExecution): LoopResult {
  const { steps, endStep, values } = execution;
  let index = execution.firstStep;
  try {
    for (; index < endStep; index++) {
      const step = steps[index]!;
      step.run(values);
      afterStep(execution, index, step);
    }
  } catch (error) {
    return { nextStep: index, status: 'failed', error };
  }
  return { nextStep: index, status: 'completed' };
}

/** Mode `'node'`: a cancellation point before every node. */
function runChecked(execution: SegmentExecution): LoopResult {
  const { steps, endStep, values, control } = execution;
  let index = execution.firstStep;
  try {
    for (; index < endStep; index++) {
      if (isStopped(control)) return { nextStep: index, status: 'stopped' };
      const step = steps[index]!;
      step.run(values);
      afterStep(execution, index, step);
    }
  } catch (error) {
    return { nextStep: index, status: 'failed', error };
  }
  return { nextStep: index, status: 'completed' };
}

/** `{ precisionMs }`: a cancellation point where the nodes since the last one would together take too long. */
function runSpaced(execution: SegmentExecution, spacingMs: number): LoopResult {
  const { steps, endStep, values, control, clock, costs } = execution;
  let index = execution.firstStep;
  let windowStart = index;
  let windowMs = Number.POSITIVE_INFINITY;
  let lastCheckMs = clock.nowMs();
  try {
    for (; index < endStep; index++) {
      const costMs = costs.ms[index]!;
      if (windowMs + costMs > spacingMs) {
        if (isStopped(control)) return { nextStep: index, status: 'stopped' };
        const nowMs = clock.nowMs();
        if (index > windowStart) costs.learn(windowStart, index, nowMs - lastCheckMs);
        lastCheckMs = nowMs;
        windowStart = index;
        windowMs = 0;
      }
      windowMs += costMs;
      const step = steps[index]!;
      step.run(values);
      afterStep(execution, index, step);
    }
  } catch (error) {
    return { nextStep: index, status: 'failed', error };
  }
  if (index > windowStart) costs.learn(windowStart, index, clock.nowMs() - lastCheckMs);
  return { nextStep: index, status: 'completed' };
}

/** Any mode while a timeline is recorded: one clock reading per node. */
function runRecorded(execution: SegmentExecution, times: StepTimes, mode: CancellationMode): LoopResult {
  const { steps, endStep, values, control, clock } = execution;
  const checks = mode.kind !== 'none';
  let index = execution.firstStep;
  let startMs = clock.nowMs();
  try {
    for (; index < endStep; index++) {
      if (checks && isStopped(control)) return { nextStep: index, status: 'stopped' };
      const step = steps[index]!;
      times.startMs[index] = startMs;
      step.run(values);
      times.endMs[index] = clock.nowMs();
      afterStep(execution, index, step);
      startMs = times.endMs[index]!;
    }
  } catch (error) {
    return { nextStep: index, status: 'failed', error };
  }
  return { nextStep: index, status: 'completed' };
}

/** Executes a segment in a mode, up to its end, to a stop, or to the first error. */
export function runSegment(execution: SegmentExecution, mode: CancellationMode): LoopResult {
  if (execution.times !== undefined) return runRecorded(execution, execution.times, mode);
  switch (mode.kind) {
    case 'none':
      return runFree(execution);
    case 'node':
      return runChecked(execution);
    case 'precision':
      return runSpaced(execution, checkSpacingMs(mode));
  }
}
