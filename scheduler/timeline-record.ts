/** Records of timelines: one row of numbers each, so that writing one is a few stores and allocates nothing. */

/**
 * Kinds of records. `run` is the engine's number of the run, 0 for what belongs to none; times are milliseconds on the
 * shared clock, equal for a moment. `id` and `value` by kind:
 */
export const RECORD_KIND = Object.freeze({
  /** Waiting: from the call of `run()` until the run was dispatched or given up. */
  queued: 1,
  /** In flight: from the dispatch until the run had settled. */
  run: 2,
  /** A moment that may lie in the future: when the run is to be stopped. */
  deadline: 3,
  /** A moment: the run's signal was aborted. */
  abort: 4,
  /** From when the main thread learned of a stop until nothing of the run was in flight. */
  drain: 5,
  /** A moment: a stream was replaced. `id`: the stream's index. */
  replaced: 6,
  /** The main thread copies the feeds. `value`: bytes. */
  feeds: 7,
  /** The main thread hands a segment to its stream. `id`: the plan's unit. */
  dispatch: 8,
  /** A host node. `id`: the node. */
  host: 9,
  /** A stream's thread works on a segment. `id`: the segment; `value`: bytes that runs hold on the stream at its end. */
  segment: 10,
  /** A node executes. `id`: the node; `value`: bytes that runs hold on the stream when it ends. */
  node: 11,
  /** A stream's thread hands a node to a queueing device. `id`: the node. */
  submit: 12,
  /** A copy to the device. `id`: the value; `value`: bytes. */
  copyIn: 13,
  /**
   * A copy from the device. `id`: the node whose outputs are copied, the first node of a chunk whose outputs are, -1 where a
   * device tells of copies by itself; `value`: bytes.
   */
  copyOut: 14,
  /** A stream's thread waits until a node has finished. `id`: the node. */
  fence: 15,
  /** A stream's thread waits before it submits more. `id`: the node it holds back. */
  pause: 16,
  /** A moment: the cancellation point that stopped the run. `id`: the node it stopped before. */
  stop: 17,
  /** A moment: a node failed. `id`: the node. */
  failure: 18,
  /** Several nodes execute as one call. `id`: the first of them; `value`: how many. */
  chunk: 19,
  /** A node in a chunk, at the time it is estimated to have executed. `id`: the node; `value` as of `node`. */
  part: 20,
} as const);

/** Name of a kind of record. */
export type RecordKindName = keyof typeof RECORD_KIND;
/** A kind of record as rows hold it. */
export type RecordKind = (typeof RECORD_KIND)[RecordKindName];

/** A row, read. */
export interface TimelineRecord {
  readonly kind: RecordKindName;
  readonly run: number;
  readonly id: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly value: number;
}

/** Numbers of a row: kind, run, id, start, end, value. */
export const ROW_LENGTH = 6;

const NAMES = new Map<number, RecordKindName>(
  Object.entries(RECORD_KIND).map(([name, kind]) => [kind, name as RecordKindName]),
);

/** Reads the row that starts at `offset`. */
export function decodeRow(rows: Float64Array, offset: number): TimelineRecord {
  return {
    kind: NAMES.get(rows[offset]!)!,
    run: rows[offset + 1]!,
    id: rows[offset + 2]!,
    startMs: rows[offset + 3]!,
    endMs: rows[offset + 4]!,
    value: rows[offset + 5]!,
  };
}
