/** The errors of runs: each carries the run's report, and its timeline when one was asked for. */
import { CurfewError, type ErrorCode, type ErrorDetails } from '../scheduler/errors.js';
import type { RunReport } from '../scheduler/outcome.js';
import type { Timeline } from './timeline/timeline.js';

/** A run that did not give its outputs. Its device work was over and its memory returned before this was thrown. */
export class RunError extends CurfewError {
  readonly report: RunReport;
  readonly timeline: Timeline | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    details: ErrorDetails,
    report: RunReport,
    timeline: Timeline | undefined,
  ) {
    super(code, message, details);
    this.name = 'RunError';
    this.report = report;
    this.timeline = timeline;
  }
}

/**
 * `DEADLINE_EXCEEDED`: the run had not settled when its `timeoutMs` had passed, or when its signal aborted with a
 * `TimeoutError`, which is `cause` then.
 */
export class DeadlineExceededError extends RunError {
  constructor(message: string, cause: unknown, report: RunReport, timeline: Timeline | undefined) {
    super('DEADLINE_EXCEEDED', message, { cause }, report, timeline);
    this.name = 'DeadlineExceededError';
  }
}

/** `ABORTED`: the run's signal was aborted. `name` is `'AbortError'`, `cause` the signal's reason. */
export class RunAbortedError extends RunError {
  constructor(message: string, cause: unknown, report: RunReport, timeline: Timeline | undefined) {
    super('ABORTED', message, { cause }, report, timeline);
    this.name = 'AbortError';
  }
}
