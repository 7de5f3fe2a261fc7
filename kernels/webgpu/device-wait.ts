/** Waits for the GPU without the event loop: maps a buffer, and gives Dawn turns until it is mapped. */
import type { Clock } from '../../scheduler/clock.js';
import { curfewError } from '../../scheduler/errors.js';
import type { DawnTurns } from './turns.js';

/** The thread looks this long without a pause: what is awaited is often over sooner than a pause. */
export const SPIN_MS = 0.25;
/** Then between pauses of this length. */
const PAUSE_MS = 0.05;

/** What maps, and tells of failures. */
export class DeviceWait {
  readonly #turns: DawnTurns;
  readonly #clock: Clock;
  readonly #mapRead: number;
  readonly #leaveIfAsked: () => void;
  readonly #sleeper = new Int32Array(new SharedArrayBuffer(4));
  #pending: GPUBuffer | undefined;
  #isLost = false;

  constructor(turns: DawnTurns, clock: Clock, mapRead: number, leaveIfAsked: () => void) {
    this.#turns = turns;
    this.#clock = clock;
    this.#mapRead = mapRead;
    this.#leaveIfAsked = leaveIfAsked;
  }

  /** Whether the device is gone. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /**
   * Maps a buffer for reading, when all that was submitted and uses it is over. Returns whether that took waiting.
   *
   * @throws DEVICE_LOST
   */
  map(buffer: GPUBuffer): boolean {
    this.#begin(buffer);
    this.#turns.turn();
    const isOver = stateOf(buffer) === 'mapped';
    if (!isOver) this.#await(buffer);
    this.#pending = undefined;
    return !isOver;
  }

  #await(buffer: GPUBuffer): void {
    const spinUntilMs = this.#clock.nowMs() + SPIN_MS;
    while (stateOf(buffer) === 'pending') {
      this.#leaveIfAsked();
      this.#turns.turn();
      if (this.#clock.nowMs() > spinUntilMs) Atomics.wait(this.#sleeper, 0, 0, PAUSE_MS);
    }
    // The state changes before the promise is rejected.
    if (stateOf(buffer) !== 'mapped') this.#lose();
  }

  /** Whether turns are Dawn's: maps a buffer, or finds that there are none. */
  canMap(buffer: GPUBuffer): boolean {
    this.#begin(buffer);
    while (stateOf(buffer) === 'pending') {
      if (!this.#turns.turn()) return false;
      Atomics.wait(this.#sleeper, 0, 0, PAUSE_MS);
    }
    this.#pending = undefined;
    return stateOf(buffer) === 'mapped';
  }

  /** Maps a buffer if that takes no longer than some turns. Otherwise nothing is pending afterwards. */
  tryMap(buffer: GPUBuffer, turns: number): boolean {
    this.#begin(buffer);
    for (let turn = 0; turn < turns && stateOf(buffer) === 'pending'; turn++) this.#turns.turn();
    const state = stateOf(buffer);
    // Only what the device has refused is neither.
    if (state === 'unmapped') this.#isLost = true;
    if (state === 'mapped') this.#pending = undefined;
    else this.giveUp();
    return state === 'mapped';
  }

  #begin(buffer: GPUBuffer): void {
    this.#pending = buffer;
    // Its state is looked at instead; a rejection would be one that nobody handles.
    this.#turns.within(() => buffer.mapAsync(this.#mapRead)).catch(() => undefined);
  }

  #lose(): never {
    this.#isLost = true;
    this.#pending = undefined;
    // Dawn ends the process when it is left with something to answer.
    this.#turns.drain();
    throw curfewError('DEVICE_LOST', 'the GPU was lost: it was reset, removed, or its driver has failed');
  }

  /** Leaves nothing pending. */
  giveUp(): void {
    this.#pending?.unmap();
    this.#pending = undefined;
    this.#turns.drain();
  }
}

/** Turns change it. */
function stateOf(buffer: GPUBuffer): GPUBufferMapState {
  return buffer.mapState;
}
