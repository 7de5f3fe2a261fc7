/** What a summary of a timeline holds. */
import type { LaneAccount } from './lane-account.js';

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
}

/** A run. */
export interface RunSummary {
  readonly run: number;
  readonly executable: string;
  readonly outcome: string;
  /** From the call to the dispatch, and from there until the run had settled. */
  readonly queuedMs: number;
  readonly durationMs: number;
  readonly timeoutMs: number | undefined;
  readonly latenessMs: number | undefined;
  readonly nodesCompleted: number;
  readonly nodesTotal: number;
  readonly stoppedBefore: string | undefined;
}

/** What a timeline says in figures. */
export interface TimelineSummary {
  readonly device: string;
  /** From the first moment shown to the last. */
  readonly wallMs: number;
  readonly runs: readonly RunSummary[];
  /** By time, most first. */
  readonly nodes: readonly NodeTime[];
  readonly ops: readonly NodeTime[];
  /** The device's lanes. Each one's parts add up to `wallMs`. */
  readonly lanes: readonly LaneAccount[];
  readonly copies: { readonly count: number; readonly bytes: number; readonly totalMs: number };
  /** Records that are missing because a ring overflowed. */
  readonly droppedRecords: number;
  /** All of it, for a terminal. */
  readonly text: string;
}
