/** Which slot and which streams a run gets. */
import { execute } from 'abort-controller-x';
import type { DeviceStream } from '../scheduler/device.js';
import { curfewError, invariant } from '../scheduler/errors.js';
import type { SlotIndex } from '../scheduler/stream.js';

/** What a dispatched run holds until it has settled. */
export interface Place {
  readonly slot: SlotIndex;
  /** The stream of each lane. */
  readonly streams: readonly DeviceStream[];
}

interface Waiting {
  readonly lanes: number;
  give(place: Place): void;
  fail(error: Error): void;
}

/** Gives out slots, at most `runsInFlight` per stream; those who wait are served in order. */
export class SlotTable {
  readonly #streams: readonly DeviceStream[];
  readonly #runsInFlight: number;
  readonly #free: SlotIndex[];
  readonly #inFlight: number[];
  readonly #waiting: Waiting[] = [];

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

  /** Runs that hold a place in the queue but wait for streams. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * A place now, or `undefined` when the run has to wait its turn.
   *
   * @throws DEVICE_LOST when the streams it needs will not come back
   */
  tryTake(lanes: number): Place | undefined {
    return this.#waiting.length > 0 ? undefined : this.#find(lanes);
  }

  /** A place when there is one; rejects with the signal's reason. */
  take(lanes: number, signal: AbortSignal): Promise<Place> {
    return execute<Place>(signal, (give, fail) => {
      const waiting: Waiting = { lanes, give, fail };
      this.#waiting.push(waiting);
      return () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        this.serve();
      };
    });
  }

  give(place: Place): void {
    this.#free.push(place.slot);
    for (const { index } of place.streams) {
      this.#inFlight[index]!--;
      invariant(this.#inFlight[index]! >= 0, 'a slot is given back once');
    }
    this.serve();
  }

  /** Serves those who wait, in order: after a place was given back, or a stream came back. */
  serve(): void {
    while (this.#waiting.length > 0) {
      const next = this.#waiting[0]!;
      try {
        const place = this.#find(next.lanes);
        if (place === undefined) return;
        this.#waiting.shift();
        next.give(place);
      } catch (error) {
        this.#waiting.shift();
        next.fail(error as Error);
      }
    }
  }

  #find(lanes: number): Place | undefined {
    const streams = lanes === 1 ? this.#leastBusy() : this.#first(lanes);
    if (streams === undefined || this.#free.length === 0) return undefined;
    for (const { index } of streams) this.#inFlight[index]!++;
    return { slot: this.#free.pop()!, streams };
  }

  #hasRoom = (stream: DeviceStream): boolean =>
    stream.available && this.#inFlight[stream.index]! < this.#runsInFlight;

  #leastBusy(): readonly DeviceStream[] | undefined {
    if (this.#streams.every(({ broken }) => broken !== undefined)) throw lost(this.#streams);
    const [best] = this.#streams
      .filter(this.#hasRoom)
      .sort((a, b) => this.#inFlight[a.index]! - this.#inFlight[b.index]! || a.index - b.index);
    return best === undefined ? undefined : [best];
  }

  #first(lanes: number): readonly DeviceStream[] | undefined {
    const streams = this.#streams.slice(0, lanes);
    if (streams.some(({ broken }) => broken !== undefined)) throw lost(streams);
    return streams.every(this.#hasRoom) ? streams : undefined;
  }
}

function lost(streams: readonly DeviceStream[]): Error {
  const broken = streams.find((stream) => stream.broken !== undefined)?.broken;
  return curfewError('DEVICE_LOST', `no stream left to run on: ${broken?.message}`, { cause: broken });
}
