/** How a run ended, and what its caller gets of that. */
import { type CurfewError, invariant } from '../scheduler/errors.js';
import type { RunReport } from '../scheduler/outcome.js';
import type { CheckedRunOptions } from './options.js';
import { abortError, deadlineError, failureError } from './run-error.js';
import type { RunResult } from './run-result.js';
import type { Timeline } from './timeline/timeline.js';

/** How a run ended. */
export interface Conclusion {
  readonly report: RunReport;
  readonly timeline: Timeline | undefined;
  readonly outputs: RunResult['outputs'];
  readonly error: CurfewError | undefined;
  /** The reason of the caller's signal, if that is what stopped the run. */
  readonly reason: unknown;
}

/** The result of a run. @throws the error of its outcome */
export function settle(conclusion: Conclusion, options: CheckedRunOptions): RunResult {
  const { report, timeline, outputs, error, reason } = conclusion;
  switch (report.outcome) {
    case 'completed':
      return { outputs, report, timeline };
    case 'deadline-exceeded':
      if (options.partial) return { outputs, report, timeline };
      throw deadlineError(report, timeline, reason);
    case 'aborted':
      throw abortError(report, timeline, reason);
    case 'failed':
      invariant(error !== undefined, 'a failed run has an error');
      throw failureError(error, report, timeline);
  }
}
