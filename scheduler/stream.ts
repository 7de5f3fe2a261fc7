/** The contract of streams: in-order queues of segments, as the dispatch loop sees them. */
import type { CancellationMode } from './cancellation.js';
import type { ErrorRecord } from './errors.js';
import type { NodeId, ValueId } from './graph.js';
import type { TimelineTarget } from './stream-timeline.js';

/** Identifies a plan's program on all streams of an engine. */
export type ProgramKey = number;
/** Index of a run's slot; also of its control word. */
export type SlotIndex = number;

/** A value copied out for the main thread, which owns the buffer. */
export interface ExportedValue {
  readonly value: ValueId;
  readonly buffer: ArrayBuffer;
}

/** What a stream tells about a run. */
export type StreamEvent =
  /** A device event: this node has finished and its values are where others can read them. */
  | { readonly kind: 'node'; readonly node: NodeId; readonly outputs: readonly ExportedValue[] }
  /** A segment has ended, and nothing of it is in flight any more. */
  | {
      readonly kind: 'segment';
      readonly segment: number;
      readonly status: 'completed' | 'stopped' | 'failed';
      readonly nodesCompleted: number;
      readonly stoppedBefore: NodeId | undefined;
      readonly error: ErrorRecord | undefined;
      readonly outputs: readonly ExportedValue[];
      /** When the segment's device work was over, on the shared clock; not read in mode `'none'`. */
      readonly endedMs: number | undefined;
    }
  /** The stream died; everything submitted to it is over and its memory is gone. */
  | { readonly kind: 'lost'; readonly error: ErrorRecord };

/** How a run is executed on its streams. */
export interface StreamRun {
  readonly slot: SlotIndex;
  readonly program: ProgramKey;
  /** Which of the plan's lanes this stream executes for the run. */
  readonly lane: number;
  readonly mode: CancellationMode;
  /** Where the stream records its part of the run, if it does. */
  readonly timeline: TimelineTarget | undefined;
  /** Receives the run's events, in order. */
  readonly onEvent: (event: StreamEvent) => void;
}

/**
 * A stream as the dispatch loop uses it. Segments run in the order of submission. Every submitted segment ends with
 * exactly one `'segment'` event, or with `'lost'`.
 */
export interface Stream {
  readonly index: number;
  /** Announces a run. Its slot must be closed on this stream. */
  open(run: StreamRun): void;
  /** Queues a segment of an open run. */
  submit(slot: SlotIndex, segment: number): void;
  /**
   * Ends a run whose segments have all ended: releases what it still holds. Resolves when that has happened, at once
   * when nothing is left (`clean`).
   */
  close(slot: SlotIndex, clean: boolean): Promise<void>;
}
