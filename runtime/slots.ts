/** Slots and streams: which are free, and which of them a run gets. */
import type { DeviceStream } from '../scheduler/device.js';
import { curfewError, invariant } from '../scheduler/errors.js';
import type { SlotIndex } from '../scheduler/stream.js';
import { assignLanes } from './lanes.js';
import type { Room } from './waiting-runs.js';

/** What a dispatched run holds. */
export interface Place {
  readonly slot: SlotIndex;
  /** The stream of each lane. */
  readonly streams: readonly DeviceStream[];
  /**
   * Gives the place back, once, when nothing of the run is in flight any more: the next run may take it at once. To be
   * called before anybody is told that the run has settled, for who is told may call `run()` and must find it free.
   */
  giveBack(): void;
}

/** Gives out slots, at most `runsInFlight` per stream. */
export class SlotTable {
  readonly #streams: readonly DeviceStream[];
  readonly #runsInFlight: number;
  readonly #free: SlotIndex[];
  readonly #inFlight: number[];

  constructor(streams: readonly DeviceStream[], runsInFlight: number) {
    this.#streams = streams;
    this.#runsInFlight = runsInFlight;
    this.#inFlight = streams.map(() => 0);
    this.#free = Array.from({ length: streams.length * runsInFlight }, (_, slot) => slot).reverse();
  }

  /** Runs in flight on a stream. */
  inFlight(stream: number): number {
    return this.#inFlight[stream]!;
  }

  get room(): Room {
    let free = 0;
    let serving = 0;
    let lasting = 0;
    for (const stream of this.#streams) {
      if (this.#hasRoom(stream)) free++;
      if (stream.available) serving++;
      if (stream.broken === undefined) lasting++;
    }
    return { free, serving, lasting };
  }

  /**
   * A place on the least busy of the free streams. There must be as many as the run has lanes (`room.free`).
   *
   * @param onFree called once the place was given back
   * @throws DEVICE_LOST when so many streams will never be free again
   */
  take(lanes: number, onFree: () => void): Place {
    checkStreamsLast(this.#streams, lanes);
    const chosen = this.#choose(lanes);
    const slot = this.#free.pop();
    invariant(chosen.length === lanes && slot !== undefined, 'a run starts when its streams are free');
    for (const { index } of chosen) this.#inFlight[index]!++;
    let held = true;
    const giveBack = () => {
      invariant(held, 'a place is given back once');
      held = false;
      this.#free.push(slot);
      for (const { index } of chosen) this.#inFlight[index]!--;
      onFree();
    };
    return { slot, streams: assignLanes(chosen), giveBack };
  }

  #choose(lanes: number): readonly DeviceStream[] {
    const free = this.#streams.filter(this.#hasRoom);
    if (free.length <= lanes) return free;
    return free.sort((a, b) => this.#inFlight[a.index]! - this.#inFlight[b.index]!).slice(0, lanes);
  }

  #hasRoom = (stream: DeviceStream): boolean =>
    stream.available && this.#inFlight[stream.index]! < this.#runsInFlight;
}

/** @throws DEVICE_LOST when fewer streams are left than a plan has lanes */
export function checkStreamsLast(streams: readonly DeviceStream[], lanes: number): void {
  const left = streams.filter(({ broken }) => broken === undefined).length;
  if (left >= lanes) return;
  const cause = streams.find(({ broken }) => broken !== undefined)!.broken!;
  const what = left === 0 ? 'no stream left to run on' : `${left} of ${lanes} streams left to run on`;
  throw curfewError('DEVICE_LOST', `${what}: ${cause.message}`, { cause });
}
