/** The error that a run rejects with, from its report. */
import { formatMode } from '../scheduler/cancellation.js';
import { type CurfewError, quote } from '../scheduler/errors.js';
import type { RunReport } from '../scheduler/outcome.js';
import { DeadlineExceededError, RunAbortedError, RunError } from './errors.js';
import type { Timeline } from './timeline/timeline.js';

function describeStop(why: string, report: RunReport): string {
  const { executable, nodesCompleted, nodesTotal, stoppedBefore, latenessMs, mode } = report;
  const where = stoppedBefore === undefined ? '' : `, stopped before ${quote(stoppedBefore)}`;
  return (
    `run of ${quote(executable)} ${why}: ${nodesCompleted} of ${nodesTotal} nodes executed${where}, ` +
    `${(latenessMs ?? 0).toFixed(2)} ms late, cancellation ${formatMode(mode)}`
  );
}

/** @param reason the reason of the signal, when that is what was exceeded */
export function deadlineError(
  report: RunReport,
  timeline: Timeline | undefined,
  reason: unknown,
): DeadlineExceededError {
  const what =
    report.timeoutMs === undefined || reason !== undefined
      ? 'the deadline of its signal'
      : `its deadline of ${Number(report.timeoutMs.toFixed(2))} ms`;
  return new DeadlineExceededError(describeStop(`exceeded ${what}`, report), reason, report, timeline);
}

export function abortError(
  report: RunReport,
  timeline: Timeline | undefined,
  reason: unknown,
): RunAbortedError {
  return new RunAbortedError(describeStop('was aborted', report), reason, report, timeline);
}

export function failureError(
  error: CurfewError,
  report: RunReport,
  timeline: Timeline | undefined,
): RunError {
  const { node, expected, received, cause = error } = error;
  const message = `run of ${quote(report.executable)} failed: ${error.message}`;
  return new RunError(error.code, message, { node, expected, received, cause }, report, timeline);
}
