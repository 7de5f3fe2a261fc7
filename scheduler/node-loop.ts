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
import type { NodeId, ValueId } from './graph.js';
import type { KernelBackend, PreparedNode, ValueTable } from './kernel.js';
import type { NodeExports } from './program.js';
import type { StreamTimeline } from './stream-timeline.js';
import { RECORD_KIND } from './timeline-record.js';

/** A step made ready by the stream that executes it. */
export interface PreparedStep {
  readonly node: NodeId;
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
  /** Where the run is recorded, if it is. */
  readonly timeline: StreamTimeline | undefined;
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

/** Time that may pass between two cancellation points: none at all in mode `'none'`, so that it contains no check. */
function recordedSpacingMs(mode: CancellationMode): number {
  switch (mode.kind) {
    case 'none':
      return Number.POSITIVE_INFINITY;
    case 'node':
      return Number.NEGATIVE_INFINITY;
    case 'precision':
      return checkSpacingMs(mode);
  }
}

/** Any mode while a timeline is recorded: one clock reading per node, and its record. */
function runRecorded(
  execution: SegmentExecution,
  timeline: StreamTimeline,
  mode: CancellationMode,
): LoopResult {
  const { steps, endStep, values, control, clock, costs } = execution;
  const spacingMs = recordedSpacingMs(mode);
  const learns = mode.kind === 'precision';
  let index = execution.firstStep;
  let windowMs = learns ? Number.POSITIVE_INFINITY : 0;
  let startMs = clock.nowMs();
  try {
    for (; index < endStep; index++) {
      const costMs = learns ? costs.ms[index]! : 0;
      if (windowMs + costMs > spacingMs) {
        if (isStopped(control)) {
          timeline.moment(RECORD_KIND.stop, steps[index]!.node);
          return { nextStep: index, status: 'stopped' };
        }
        windowMs = 0;
      }
      windowMs += costMs;
      const step = steps[index]!;
      step.run(values);
      const endMs = clock.nowMs();
      timeline.node(step.node, startMs, endMs);
      if (learns) costs.learn(index, index + 1, endMs - startMs);
      afterStep(execution, index, step);
      startMs = step.exports === undefined ? endMs : clock.nowMs();
    }
  } catch (error) {
    return { nextStep: index, status: 'failed', error };
  }
  return { nextStep: index, status: 'completed' };
}

/** Executes a segment in a mode, up to its end, to a stop, or to the first error. */
export function runSegment(execution: SegmentExecution, mode: CancellationMode): LoopResult {
  if (execution.timeline !== undefined) return runRecorded(execution, execution.timeline, mode);
  switch (mode.kind) {
    case 'none':
      return runFree(execution);
    case 'node':
      return runChecked(execution);
    case 'precision':
      return runSpaced(execution, checkSpacingMs(mode));
  }
}
