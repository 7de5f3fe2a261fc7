/** How a run ended, and what its caller gets of that. */
import type { DispatchResult } from '../scheduler/dispatch.js';
import { type CurfewError, curfewError, invariant } from '../scheduler/errors.js';
import type { Graph } from '../scheduler/graph.js';
import type { RunReport } from '../scheduler/outcome.js';
import { messageOf } from '../scheduler/quote.js';
import type { Tensor } from '../scheduler/tensor.js';
import { collectOutputs } from './feeds.js';
import type { CheckedRunOptions } from './options.js';
import { abortError, deadlineError, failureError } from './run-error.js';
import type { RunResult } from './run-result.js';
import type { Timeline } from './timeline/timeline.js';

/** How a run ended. */
export interface Conclusion {
  readonly report: RunReport;
  readonly timeline: Timeline | undefined;
  readonly result: DispatchResult | undefined;
  readonly error: CurfewError | undefined;
  /** The reason of the caller's signal, if that is what stopped the run. */
  readonly reason: unknown;
}

/** The result of a run. @throws the error of its outcome */
export function settle(conclusion: Conclusion, graph: Graph, options: CheckedRunOptions): RunResult {
  const { report, timeline, error, reason } = conclusion;
  switch (report.outcome) {
    case 'completed':
      return success(conclusion, graph);
    case 'deadline-exceeded':
      if (options.partial) return success(conclusion, graph);
      throw deadlineError(report, timeline, reason);
    case 'aborted':
      throw abortError(report, timeline, reason);
    case 'failed':
      invariant(error !== undefined, 'a failed run has an error');
      throw failureError(error, report, timeline);
  }
}

function success({ report, timeline, result }: Conclusion, graph: Graph): RunResult {
  return { outputs: copyOutputs(graph, result, report, timeline), report, timeline };
}

/** Outputs that are nobody else's are handed over, the others copied, for which there may be no memory. */
function copyOutputs(
  graph: Graph,
  result: DispatchResult | undefined,
  report: RunReport,
  timeline: Timeline | undefined,
): Record<string, Tensor> {
  try {
    return collectOutputs(graph, result?.values ?? new Map());
  } catch (cause) {
    const error = curfewError('OUT_OF_MEMORY', `outputs: ${messageOf(cause)}`, { cause });
    throw failureError(error, report, timeline);
  }
}
