/** What a timeline holds: when a run waited, when each node ran, what its threads did, and where it was stopped. */
import type { RunReport } from '../../scheduler/outcome.js';
import type { TensorSpec } from '../../scheduler/tensor.js';

/** One node that ran to its end. Times in milliseconds from the call of `run()`. */
export interface TimelineNode {
  readonly name: string;
  /** Op of a kernel node; `host` for a host node. */
  readonly op: string;
  /** The device whose kernel executed it, where the stream's own device lacks one. */
  readonly fallback: string | undefined;
  /** Index of the stream; `undefined` for a host node. */
  readonly stream: number | undefined;
  /** On a queueing device, which works while its stream's thread goes on, the device's own times. */
  readonly startMs: number;
  readonly endMs: number;
  /** When it was handed over: to a queueing device by itself, otherwise with its segment. */
  readonly scheduledMs: number | undefined;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  /** Bytes that runs hold on the stream when the node ends; `undefined` for a host node. */
  readonly bytesLive: number | undefined;
  /** Whether start and end are estimates within the chunk that the node was executed with. */
  readonly isEstimated: boolean;
}

/** What else takes time. */
export type TimelineSpanKind =
  /** The main thread copies the feeds; hands a segment to its stream. */
  | 'feeds'
  | 'dispatch'
  /** A stream's thread works on a segment; hands a node to a queueing device; waits until one has finished; holds one back. */
  | 'segment'
  /** Several nodes execute as one call. */
  | 'chunk'
  | 'submit'
  | 'fence'
  | 'pause'
  /** A copy to the stream's memory, or from it. */
  | 'copy in'
  | 'copy out'
  /** From when the main thread learned of a stop until nothing was in flight. */
  | 'drain';

/** Something besides a node that took time. */
export interface TimelineSpan {
  readonly kind: TimelineSpanKind;
  readonly name: string;
  /** Index of the stream; `undefined` on the main thread. */
  readonly stream: number | undefined;
  readonly startMs: number;
  readonly endMs: number;
  /** Bytes copied; of a segment, the bytes that runs hold on the stream at its end. */
  readonly bytes: number | undefined;
}

/** A moment: the cancellation point that stopped the run, a failure, or the replacement of a stream. */
export interface TimelineMoment {
  readonly kind: 'stop' | 'failure' | 'replaced';
  /** Index of the stream; `undefined` on the main thread. */
  readonly stream: number | undefined;
  readonly atMs: number;
  /** The node the run was stopped before, or that failed. */
  readonly node: string | undefined;
}

/** A cause and its effect: a dispatch and its segment, a submission and its node, a value's node and what waited for it. */
export interface TimelineLink {
  readonly from: TimelineNode | TimelineSpan;
  readonly to: TimelineNode | TimelineSpan;
}

/** The timeline of one run. Times in milliseconds from the call of `run()`, or from the start of the engine's timeline. */
export interface TimelineData {
  /** The engine's number of the run. */
  readonly run: number;
  readonly report: RunReport;
  readonly nodes: readonly TimelineNode[];
  readonly spans: readonly TimelineSpan[];
  readonly moments: readonly TimelineMoment[];
  readonly links: readonly TimelineLink[];
  /** Names of the nodes that did not run; empty when records were dropped, as it is not known then. */
  readonly skipped: readonly string[];
  /** When `run()` was called: 0, or the time since the engine's timeline started. */
  readonly calledMs: number;
  /** When the run was dispatched; `undefined` when it never was. */
  readonly dispatchedMs: number | undefined;
  readonly settledMs: number;
  readonly deadlineMs: number | undefined;
  readonly abortedMs: number | undefined;
  /** Records that were overwritten before they could be read. */
  readonly dropped: number;
}

/** A stream that was replaced while no run was on it. */
export interface Replacement {
  readonly stream: number;
  readonly atMs: number;
}

/** What a timeline is made of: some runs of one engine. */
export interface TimelineSource {
  readonly device: string;
  readonly runs: readonly TimelineData[];
  readonly replacements: readonly Replacement[];
  /** Records that were overwritten before they could be read. */
  readonly dropped: number;
}

/** When the run was to end: its deadline or its abort, whichever stopped it. */
export function stopMsOf({ report, deadlineMs, abortedMs }: TimelineData): number | undefined {
  if (report.outcome === 'deadline-exceeded') return deadlineMs;
  return report.outcome === 'aborted' ? abortedMs : undefined;
}

/** Streams whose device works while their thread goes on: it hands over nodes one by one. */
export function queueingStreams(spans: readonly TimelineSpan[]): ReadonlySet<number> {
  return new Set(
    spans.flatMap(({ kind, stream }) => (kind === 'submit' && stream !== undefined ? [stream] : [])),
  );
}
