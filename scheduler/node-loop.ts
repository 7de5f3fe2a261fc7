/**
 * Executes the nodes of a segment on a device whose kernels return when their work is done, with the cancellation points of each mode between them. Every mode has a loop of
 * its own, so that `'none'` contains no check at all.
 */
import { type CancellationMode, checkSpacingMs, isStopped } from './cancellation.js';
import type { ImmediateBackend } from './kernel.js';
import type { LoopResult, PreparedExports, PreparedStep, SegmentExecution } from './segment-execution.js';
import type { StreamTimeline } from './stream-timeline.js';
import { RECORD_KIND } from './timeline-record.js';

/** A segment on a device that does not queue. */
export interface ImmediateExecution extends SegmentExecution {
  readonly backend: ImmediateBackend;
}

function copyOut(execution: ImmediateExecution, index: number, exports: PreparedExports): void {
  const copy = execution.copyOut(index, exports);
  for (const value of exports.values) copy.take(value, execution.backend.read(copy.tensor(value)));
  copy.end();
}

/** Releases what nobody needs after a step, having copied out what others need. */
function afterStep(execution: ImmediateExecution, index: number, step: PreparedStep): void {
  if (step.exports !== undefined) copyOut(execution, index, step.exports);
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
function runFree(execution: ImmediateExecution): LoopResult {
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
function runChecked(execution: ImmediateExecution): LoopResult {
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
function runSpaced(execution: ImmediateExecution, spacingMs: number): LoopResult {
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
  execution: ImmediateExecution,
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
      timeline.step(step, startMs, endMs);
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
export function runSegment(execution: ImmediateExecution, mode: CancellationMode): LoopResult {
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
