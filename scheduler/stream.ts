/** The contract of streams: in-order queues of segments, as the dispatch loop sees them. */
import type { CancellationMode } from './cancellation.js';
import type { ErrorRecord } from './errors.js';
import type { NodeId, ValueId } from './graph.js';
import type { TimelineTarget } from './stream-timeline.js';

/** Identifies the program of one lane of a plan on all streams of an engine. */
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
  /** A device event: these nodes have finished and their values are where others can read them. */
  | {
      readonly kind: 'nodes';
      readonly nodes: readonly NodeId[];
      readonly outputs: readonly ExportedValue[];
    }
  /** A segment has ended, and nothing of it is in flight any more. */
  | {
      readonly kind: 'segment';
      readonly segment: number;
      readonly status: 'completed' | 'stopped' | 'failed';
      /** Nodes that the steps which executed have completed. */
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
  readonly mode: CancellationMode;
  /** Where the stream records its part of the run, if it does. */
  readonly timeline: TimelineTarget | undefined;
  /** Receives the run's events, in order. */
  readonly onEvent: (event: StreamEvent) => void;
}

/** How a run leaves a stream. */
export interface Leaving {
  /** Resolves when the stream holds nothing of the run any more. */
  readonly done: Promise<void>;
  /** Whether that has to wait for something else that the stream does first: segments of other runs, loading, its replacement. */
  readonly behindOthers: boolean;
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
   * Ends, as stopped, what was submitted for a stopped or failed run and not begun: it need not wait for other runs' work
   * in front of it.
   */
  takeBack(slot: SlotIndex): void;
  /**
   * Gives up on a stream that hangs in this slot's work, if it has any: replaces it. Runs of which it has begun nothing go
   * on on the replacement; the others are lost.
   */
  abandon(slot: SlotIndex, reason: Error): void;
  /**
   * Ends a run whose segments have all ended: releases what the stream still holds of it. `clean`: it completed, so
   * nothing is left.
   */
  close(slot: SlotIndex, clean: boolean): Leaving;
  /**
   * Forgets the run of a slot in whatever state it is: no event of it comes any more. A stream that may hold something
   * of it is replaced. Resolves when it holds nothing.
   */
  evict(slot: SlotIndex, reason: Error): Promise<void>;
}
