/**
 * Rings of timeline records in shared memory: one thread writes, any thread may read while it does. A full ring
 * overwrites its oldest rows; readers learn how many they missed.
 */
import { invariant } from './errors.js';
import { allocateShared } from './shared-memory.js';
import { decodeRow, type RecordKind, ROW_LENGTH, type TimelineRecord } from './timeline-record.js';

/**
 * The header: a float64 with the rows ever written, and an int32 for `Atomics`. The writer counts with a plain store, which
 * costs a tenth of an atomic one, and publishes at the end of each piece of work; whoever learns of that end, by a message
 * or because the writer's thread is over, reads all of it. Rows that a live reader sees beyond that belong to work in
 * progress, which timelines leave out.
 */
const HEADER_BYTES = 16;
const ROW_BYTES = ROW_LENGTH * Float64Array.BYTES_PER_ELEMENT;

/** What a reader got. */
export interface RingRecords {
  readonly records: readonly TimelineRecord[];
  /** Rows that were overwritten before they could be read. */
  readonly dropped: number;
}

/** A ring of rows. */
export class RecordRing {
  readonly buffer: SharedArrayBuffer;
  /** Rows that fit: a power of two. */
  readonly capacity: number;
  readonly #rows: Float64Array;
  readonly #total: Float64Array;
  readonly #published: Int32Array;

  /** Views a ring that `create` made, in whatever thread. */
  constructor(buffer: SharedArrayBuffer) {
    this.buffer = buffer;
    this.capacity = (buffer.byteLength - HEADER_BYTES) / ROW_BYTES;
    invariant(Number.isInteger(Math.log2(this.capacity)), 'a ring holds a power of two of rows');
    this.#total = new Float64Array(buffer, 0, 1);
    this.#published = new Int32Array(buffer, 8, 1);
    this.#rows = new Float64Array(buffer, HEADER_BYTES);
  }

  /** A ring that keeps at least `records` records. */
  static create(records: number): RecordRing {
    // One more, as the oldest row is never read: it may be the one that is being overwritten.
    const capacity = 2 ** Math.ceil(Math.log2(records + 1));
    return new RecordRing(allocateShared(HEADER_BYTES + capacity * ROW_BYTES, 'timeline'));
  }

  /** Adds a row. Only the ring's one writer calls this. */
  write(kind: RecordKind, run: number, id: number, startMs: number, endMs: number, value: number): void {
    const rows = this.#rows;
    const total = this.#total[0]!;
    const offset = (total & (this.capacity - 1)) * ROW_LENGTH;
    rows[offset] = kind;
    rows[offset + 1] = run;
    rows[offset + 2] = id;
    rows[offset + 3] = startMs;
    rows[offset + 4] = endMs;
    rows[offset + 5] = value;
    this.#total[0] = total + 1;
  }

  /** Makes all rows written so far visible to other threads. Only the ring's one writer calls this. */
  publish(): void {
    Atomics.add(this.#published, 0, 1);
  }

  /** Rows ever written. */
  get total(): number {
    Atomics.load(this.#published, 0);
    return this.#total[0]!;
  }

  /** The records from the `from`th ever written on. */
  read(from = 0): RingRecords {
    const end = this.total;
    const first = this.#oldest(from, end);
    const records = Array.from({ length: end - first }, (_, index) =>
      decodeRow(this.#rows, this.#offset(first + index)),
    );
    // What the writer has overwritten meanwhile is not what it was.
    const overwritten = this.#oldest(first, this.total) - first;
    return { records: records.slice(overwritten), dropped: first + overwritten - from };
  }

  /** Copies the rows from the `from`th on to another ring. Only the one writer of both calls this. */
  copyTo(other: RecordRing, from: number): void {
    const rows = this.#rows;
    const end = this.total;
    for (let index = this.#oldest(from, end); index < end; index++) {
      const at = this.#offset(index);
      const kind = rows[at] as RecordKind;
      other.write(kind, rows[at + 1]!, rows[at + 2]!, rows[at + 3]!, rows[at + 4]!, rows[at + 5]!);
    }
  }

  /** Empties the ring. Nobody writes it meanwhile. */
  clear(): void {
    this.#total[0] = 0;
    this.publish();
  }

  #offset(index: number): number {
    return (index & (this.capacity - 1)) * ROW_LENGTH;
  }

  #oldest(from: number, total: number): number {
    return Math.max(from, total - this.capacity + 1);
  }
}
