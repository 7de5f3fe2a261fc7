/** Puts the report of a settled run together. */
import { runModeOf } from '../scheduler/cancellation.js';
import type { Fallback } from '../scheduler/device.js';
import type { DispatchResult } from '../scheduler/dispatch.js';
import type { Outcome, RunReport } from '../scheduler/outcome.js';
import type { CheckedRunOptions } from './options.js';
import type { StopCause } from './stop-cause.js';

/** What a report is made of. Times in milliseconds on the engine's clock. */
export interface RunFacts {
  readonly run: number;
  readonly executable: string;
  readonly device: string;
  readonly fallbacks: readonly Fallback[];
  readonly nodesTotal: number;
  readonly options: CheckedRunOptions;
  readonly outcome: Outcome;
  /** What stopped the run, if its outcome is a stop. */
  readonly cause: StopCause | undefined;
  readonly calledMs: number;
  /** `undefined` for a run that was never dispatched. */
  readonly dispatchedMs: number | undefined;
  readonly settledMs: number;
  readonly result: DispatchResult | undefined;
  /** Indices of the streams the run was dispatched to. */
  readonly streams: readonly number[];
}

export function reportOf(facts: RunFacts): RunReport {
  const { cause, dispatchedMs, settledMs, result, options, streams } = facts;
  const since = (atMs: number | undefined) =>
    cause === undefined || atMs === undefined ? undefined : Math.max(0, atMs - cause.atMs);
  return Object.freeze({
    run: facts.run,
    outcome: facts.outcome,
    executable: facts.executable,
    mode: runModeOf(options.mode),
    timeoutMs: options.timeoutMs,
    latenessMs: since(settledMs),
    deviceLatenessMs: since(result?.deviceEndedMs),
    queuedMs: (dispatchedMs ?? settledMs) - facts.calledMs,
    durationMs: dispatchedMs === undefined ? 0 : settledMs - dispatchedMs,
    nodesCompleted: result?.nodesCompleted ?? 0,
    nodesTotal: facts.nodesTotal,
    stoppedBefore: result?.stoppedBefore,
    device: facts.device,
    fallbacks: facts.fallbacks,
    stream: streams.length === 1 ? streams[0] : undefined,
  });
}
