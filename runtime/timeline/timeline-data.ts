/** What a timeline consists of: when a run waited, when each node ran, what its threads did, and where it was stopped. */
import type { RunReport } from '../../scheduler/outcome.js';
import type { TensorSpec } from '../../scheduler/tensor.js';

/** One node that ran to its end. Times in milliseconds from the call of `run()`. */
export interface TimelineNode {
  readonly name: string;
  /** Op of a kernel node; `host` for a host node. */
  readonly op: string;
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
}

/** What else takes time. */
export type TimelineSpanKind =
  /** The main thread copies the feeds, and hands a segment to its stream. */
  | 'feeds'
  | 'dispatch'
  /** A stream's thread works on a segment; hands a node to a queueing device; waits until one has finished; holds one back. */
  | 'segment'
  | 'submit'
  | 'fence'
  | 'pause'
  /** A copy to the stream's memory, or from it. */
  | 'copy in'
  | 'copy out'
  /** From when the main thread learned of a stop until nothing was in flight. */
  | 'drain';

/** Something that took time besides nodes. */
export interface TimelineSpan {
  readonly kind: TimelineSpanKind;
  readonly name: string;
  /** Index of the stream; `undefined` on the main thread. */
  readonly stream: number | undefined;
  readonly startMs: number;
  readonly endMs: number;
  /** Bytes copied; for a segment the bytes that runs hold on the stream at its end. */
  readonly bytes: number | undefined;
}

/** Something that happened at a moment: the cancellation point that stopped the run, a failure, a stream's replacement. */
export interface TimelineMoment {
  readonly kind: 'stop' | 'failure' | 'replaced';
  /** Index of the stream; `undefined` on the main thread. */
  readonly stream: number | undefined;
  readonly atMs: number;
  /** The node the run was stopped before, or that failed. */
  readonly node: string | undefined;
}

/** What led to what: a dispatch to its segment, a submission to its node, a value to whoever waited for it. */
export interface TimelineLink {
  readonly from: TimelineNode | TimelineSpan;
  readonly to: TimelineNode | TimelineSpan;
}

/** What the timeline of one run consists of. Times in milliseconds from the call of `run()`, unless told otherwise. */
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
  /** When `run()` was called: 0, or its distance from the start of the engine's timeline. */
  readonly calledMs: number;
  /** When the run was dispatched; `undefined` when it never was. */
  readonly dispatchedMs: number | undefined;
  readonly settledMs: number;
  readonly deadlineMs: number | undefined;
  readonly abortedMs: number | undefined;
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
