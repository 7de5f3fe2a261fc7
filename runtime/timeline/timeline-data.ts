/** What a timeline consists of: when a run waited, when each node ran, and where it was stopped. */
import type { RunReport } from '../../scheduler/outcome.js';

/** One node that ran to its end. Times in milliseconds from the call of `run()`. */
export interface TimelineNode {
  readonly name: string;
  /** Op of a kernel node; `host` for a host node. */
  readonly op: string;
  /** Index of the stream; `undefined` for a host node. */
  readonly stream: number | undefined;
  readonly startMs: number;
  readonly endMs: number;
}

/** What a timeline consists of. Times in milliseconds from the call of `run()`. */
export interface TimelineData {
  readonly report: RunReport;
  readonly nodes: readonly TimelineNode[];
  /** When the run was dispatched; `undefined` when it never was. */
  readonly dispatchedMs: number | undefined;
  readonly settledMs: number;
  readonly deadlineMs: number | undefined;
  readonly abortedMs: number | undefined;
}
