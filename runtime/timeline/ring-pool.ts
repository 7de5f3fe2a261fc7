/** Rings of records, kept for the next run: a ring used before has its memory in place. */
import { RecordRing } from '../../scheduler/record-ring.js';

/** Rings kept; more are in use only while more recorded runs are in flight. */
const MAX_SPARE = 16;

/** A ring this much larger than needed is better left to a larger run. */
const MAX_EXCESS = 8;

/** Lends rings. */
export class RingPool {
  readonly #spare: RecordRing[] = [];

  /** An empty ring that keeps at least `records` records. */
  take(records: number): RecordRing {
    const found = this.#spare.findIndex(
      ({ capacity }) => capacity > records && capacity <= records * MAX_EXCESS,
    );
    if (found === -1) return RecordRing.create(records);
    const [ring] = this.#spare.splice(found, 1);
    ring!.clear();
    return ring!;
  }

  /** Takes a ring back. Nobody writes it any more. */
  give(ring: RecordRing): void {
    if (this.#spare.length < MAX_SPARE) this.#spare.push(ring);
  }
}
