/** Keeps rings of records for the next run, as the memory of a used ring is already in place. */
import { RecordRing } from '../../scheduler/record-ring.js';

/** Rings kept. A ring given back beyond these is left to the garbage collector. */
const MAX_SPARE = 16;

/** A ring that exceeds the need by more than this factor is left for a larger run. */
const MAX_EXCESS = 8;

/** Lends rings and takes them back. */
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
