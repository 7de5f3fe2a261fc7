/** Outcomes of runs, and the report that every run leaves. */
import type { RunMode, StopReason } from './cancellation.js';
import type { Fallback } from './device.js';

/** How a run ended. */
export type Outcome = 'completed' | 'aborted' | 'deadline-exceeded' | 'failed';

/** What a run leaves behind besides its outputs. All times in milliseconds. */
export interface RunReport {
  /** Number of the run: counts the engine's runs from 1, as events and timelines do. */
  readonly run: number;
  readonly outcome: Outcome;
  /** Name of the executable. */
  readonly executable: string;
  /** The cancellation mode, in the shape of the option. */
  readonly mode: RunMode;
  readonly timeoutMs: number | undefined;
  /** From the deadline (or the abort) until the run had settled and its device work was over. Only after a stop. */
  readonly latenessMs: number | undefined;
  /**
   * From the deadline (or the abort) until the device work was over, measured by the streams themselves: it does not
   * grow when the main thread is blocked and settles late. Only after a stop that streams measured.
   */
  readonly deviceLatenessMs: number | undefined;
  /** From the call until the run was dispatched, or until it was given up waiting. */
  readonly queuedMs: number;
  /** From the dispatch until the run was ready to settle; 0 for a run that was never dispatched. */
  readonly durationMs: number;
  /** Kernel and host nodes that ran to their end. */
  readonly nodesCompleted: number;
  readonly nodesTotal: number;
  /** Name of the node the run would have gone on with. Only after a stop that left one. */
  readonly stoppedBefore: string | undefined;
  readonly device: string;
  /** Nodes of the executable that run on another device's kernels, usually slower ones, because this device lacks theirs. */
  readonly fallbacks: readonly Fallback[];
  /** Index of the stream; `undefined` for a run that was spread over several or never dispatched. */
  readonly stream: number | undefined;
}

/**
 * The outcome of a run. A real failure outranks an abort, and whatever stopped the run first outranks what came later.
 * A run that completed every node but settles after its deadline or abort counts as stopped, whatever the mode.
 */
export function outcomeOf(
  status: 'completed' | 'stopped' | 'failed',
  reason: StopReason | undefined,
): Outcome {
  if (status === 'failed' || reason === 'failed') return 'failed';
  return reason ?? 'completed';
}
