/** What a run holds while it is in flight: its slot's control word, deadline and exchange buffer. One owner, one release. */
import { type ControlWord, type StopReason, stopReasonOf } from '../scheduler/cancellation.js';
import type { DeviceStream, RunControls } from '../scheduler/device.js';
import type { RunLease } from '../scheduler/dispatch.js';
import type { SlotIndex } from '../scheduler/stream.js';
import type { Exchanges } from './exchanges.js';
import type { Place } from './slots.js';

/** Where leases come from. */
export interface LeaseSource {
  readonly controls: RunControls;
  readonly exchanges: Exchanges;
}

/** The lease of one run on its place. The place itself is given back by whoever gave it, after the release. */
export class Lease implements RunLease {
  readonly slot: SlotIndex;
  readonly streams: readonly DeviceStream[];
  readonly control: ControlWord;
  readonly exchange: Uint8Array;
  readonly #source: LeaseSource;
  #phase: 'running' | 'ended' | 'released' = 'running';

  /** @throws OUT_OF_MEMORY when there is no exchange buffer to be had; then nothing is held */
  constructor(source: LeaseSource, place: Place, exchangeBytes: number) {
    this.#source = source;
    this.slot = place.slot;
    this.streams = place.streams;
    this.exchange = source.exchanges.open(place, exchangeBytes);
    this.control = source.controls.begin(place.slot);
  }

  /** The watchdog stops the run when its clock reaches `atMs`. */
  armDeadline(atMs: number): void {
    if (this.#phase === 'running') this.#source.controls.setDeadline(this.slot, atMs);
  }

  stop(state: number): void {
    if (this.#phase === 'running') this.#source.controls.stop(this.slot, state);
  }

  /** Why the run was stopped, `undefined` when it was not. To be asked before the end. */
  get stopReason(): StopReason | undefined {
    return stopReasonOf(Atomics.load(this.control.words, this.control.index));
  }

  /** The run is over: nothing of it executes, no deadline stops it any more. Its streams may still hold values of it. */
  end(): void {
    if (this.#phase !== 'running') return;
    this.#phase = 'ended';
    this.#source.controls.end(this.slot);
  }

  /** Gives everything back. The streams hold nothing of the run any more. */
  release(): void {
    if (this.#phase === 'released') return;
    this.end();
    this.#phase = 'released';
    this.#source.exchanges.close(this.slot);
  }

  /** After an internal error: resolves once the streams are known to hold nothing of the run. */
  async quarantine(reason: Error): Promise<void> {
    await Promise.all(this.streams.map((stream) => stream.evict(this.slot, reason)));
  }
}
