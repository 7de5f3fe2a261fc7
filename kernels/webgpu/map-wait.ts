/** Waits for the GPU without the event loop: maps a buffer, and gives Dawn turns until it is mapped. */
import type { Clock } from '../../scheduler/clock.js';
import { curfewError } from '../../scheduler/errors.js';
import type { Failures } from './failures.js';
import type { DawnTurns } from './turns.js';

/** The thread looks this long without a pause: what is awaited is often over sooner than a pause. */
export const SPIN_MS = 0.25;
/** Then between pauses of this length. */
const PAUSE_MS = 0.05;
/** A fresh device has nothing to do before it maps a buffer. */
const PROBE_MS = 5000;

/** What a wait works with. */
export interface MapWaitParts {
  readonly turns: DawnTurns;
  readonly failures: Failures;
  readonly clock: Clock;
  /** `GPUMapMode.READ`. */
  readonly mapRead: number;
  /** See `BackendOptions`. */
  leaveIfAsked(): void;
}

export class MapWait {
  readonly #parts: MapWaitParts;
  readonly #sleeper = new Int32Array(new SharedArrayBuffer(4));
  #pending: GPUBuffer | undefined;
  #isLost = false;

  constructor(parts: MapWaitParts) {
    this.#parts = parts;
  }

  /** Whether the device is gone. */
  get isLost(): boolean {
    return this.#isLost;
  }

  /**
   * Maps a buffer for reading, when all that was submitted and uses it is over. Returns whether that took waiting.
   *
   * @throws DEVICE_LOST; what has failed, when the buffer cannot be mapped for it
   */
  map(buffer: GPUBuffer): boolean {
    this.#begin(buffer);
    this.#parts.turns.turn();
    const isOver = stateOf(buffer) === 'mapped';
    if (!isOver) this.#await(buffer);
    // The state changes before the promise is rejected.
    if (stateOf(buffer) !== 'mapped') this.#refuse();
    this.#pending = undefined;
    return !isOver;
  }

  #await(buffer: GPUBuffer): void {
    const { clock, turns, leaveIfAsked } = this.#parts;
    const spinUntilMs = clock.nowMs() + SPIN_MS;
    while (stateOf(buffer) === 'pending') {
      leaveIfAsked();
      turns.turn();
      if (clock.nowMs() > spinUntilMs) Atomics.wait(this.#sleeper, 0, 0, PAUSE_MS);
    }
  }

  /**
   * Whether waiting works: whether the turns are Dawn's. Nothing is pending afterwards. The thread does not leave meanwhile, as there is
   * no backend yet that could be asked to leave nothing pending.
   */
  canMap(buffer: GPUBuffer): boolean {
    const { clock, turns } = this.#parts;
    const untilMs = clock.nowMs() + PROBE_MS;
    this.#begin(buffer);
    while (stateOf(buffer) === 'pending' && clock.nowMs() < untilMs) {
      turns.turn();
      Atomics.wait(this.#sleeper, 0, 0, PAUSE_MS);
    }
    const isMapped = stateOf(buffer) === 'mapped';
    this.giveUp();
    return isMapped;
  }

  /** Maps a buffer if that takes no longer than some turns. Otherwise nothing is pending afterwards. */
  tryMap(buffer: GPUBuffer, turns: number): boolean {
    this.#begin(buffer);
    for (let turn = 0; turn < turns && stateOf(buffer) === 'pending'; turn++) this.#parts.turns.turn();
    const state = stateOf(buffer);
    // Only what the device has refused is neither.
    if (state === 'unmapped') this.#isLost = true;
    if (state === 'mapped') this.#pending = undefined;
    else this.giveUp();
    return state === 'mapped';
  }

  #begin(buffer: GPUBuffer): void {
    const { turns, mapRead } = this.#parts;
    this.#pending = buffer;
    // Its state is looked at instead; a rejection would be one that nobody handles.
    turns.within(() => buffer.mapAsync(mapRead)).catch(() => undefined);
  }

  /** A device that is there says why it does not map a buffer. */
  #refuse(): never {
    this.#pending = undefined;
    // Dawn ends the process when it is left with something to answer.
    this.#parts.turns.drain();
    const failure = this.#parts.failures.take();
    if (failure !== undefined) throw failure;
    this.#isLost = true;
    throw curfewError('DEVICE_LOST', 'the GPU was lost: it was reset, removed, or its driver has failed');
  }

  /** Leaves nothing pending. */
  giveUp(): void {
    this.#pending?.unmap();
    this.#pending = undefined;
    this.#parts.turns.drain();
  }
}

/** Turns change it. */
function stateOf(buffer: GPUBuffer): GPUBufferMapState {
  return buffer.mapState;
}
