/** What a simulation has seen of one run, apart from what the run says of itself. */
import type { ControlWord } from '../../scheduler/cancellation.js';
import type { ErrorCode } from '../../scheduler/errors.js';
import type { RunReport } from '../../scheduler/outcome.js';
import type { RunSpec } from './scenario.js';

/** How a run's promise settled. */
export interface Settlement {
  readonly report: RunReport | undefined;
  readonly outputs: Readonly<Record<string, { readonly data: ArrayLike<number> } | undefined>> | undefined;
  readonly error: unknown;
  readonly atMs: number;
  /** Number of events of the clock before. */
  readonly step: number;
}

export class WatchedRun {
  readonly name: string;
  readonly spec: RunSpec;
  readonly startMs: number;
  /** Its streams while it is dispatched. */
  readonly streams = new Set<number>();
  /** Nodes whose work has ended without an error: on the device, or on the host. */
  readonly ended = new Set<string>();
  /** Longest kernel, and all copies to the device, as they came out. */
  longestKernelMs = 0;
  copyInMs = 0;
  /** Codes of what failed, in order. */
  readonly failures: ErrorCode[] = [];
  readonly submittedAfterStop = new Map<number, number>();
  /** Streams that have yet to release what the run left there. Until then it holds its place. */
  leaving = 0;
  /** Whether one of its feeds was transferred away while it was called. */
  feedGone = false;
  /** Whether one of its host nodes never ends. */
  mayHang = false;
  control: ControlWord | undefined;
  dispatchedMs: number | undefined;
  endedMs: number | undefined;
  abortStep: number | undefined;
  abortedMs: number | undefined;
  settlement: Settlement | undefined;

  constructor(name: string, spec: RunSpec, startMs: number) {
    this.name = name;
    this.spec = spec;
    this.startMs = startMs;
  }

  get deadlineMs(): number | undefined {
    return this.spec.timeoutMs === undefined ? undefined : this.startMs + this.spec.timeoutMs;
  }
}
