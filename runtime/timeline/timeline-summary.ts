/** What a summary of a timeline holds. */
import type { RowAccount } from './row-account.js';
import type { RunSummary } from './timeline-view.js';

/** A node, over all its executions. */
export interface NodeTime {
  readonly name: string;
  readonly op: string;
  readonly count: number;
  readonly totalMs: number;
  readonly meanMs: number;
  readonly maxMs: number;
  /** Share of the time of all nodes. 0 to 1. */
  readonly share: number;
  /** Whether some of the times are estimates: of nodes that were executed with others as one call. */
  readonly isEstimated: boolean;
}

/** Nodes of one op that ran on another device's kernels, over all their executions. */
export interface FallbackTime {
  readonly op: string;
  /** The device whose kernels executed them. */
  readonly device: string;
  readonly count: number;
  readonly totalMs: number;
  /** Share of the time of all nodes. 0 to 1. */
  readonly share: number;
}

/** A timeline in figures. */
export interface TimelineSummary {
  readonly device: string;
  /** From the first call until the last run had settled. */
  readonly wallMs: number;
  readonly runs: readonly RunSummary[];
  /** By time, most first. */
  readonly nodes: readonly NodeTime[];
  readonly ops: readonly NodeTime[];
  /** What the device's own kernels did not execute. By time, most first. */
  readonly fallbacks: readonly FallbackTime[];
  /** The device's rows. The parts of each add up to `wallMs`. */
  readonly rows: readonly RowAccount[];
  readonly copies: { readonly count: number; readonly bytes: number; readonly totalMs: number };
  /** Records that are missing because a ring overflowed. */
  readonly droppedRecords: number;
  /** All of it, for a terminal. */
  readonly text: string;
}
