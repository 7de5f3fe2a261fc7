/**
 * The control words of all slots and the deadlines the watchdog keeps, in one shared buffer.
 *
 * Layout: int64 deadlines in nanoseconds on the shared clock, one per slot; one int64 with the time the watchdog
 * sleeps until; then int32 words: one per slot, the watchdog's wake-up counter, and a flag that ends the watchdog.
 */
import { type ControlWord, GENERATION_SHIFT, RUN_STATE, STATE_MASK } from '../../scheduler/cancellation.js';
import type { RunControls } from '../../scheduler/device.js';
import { invariant } from '../../scheduler/errors.js';
import { allocateShared } from '../../scheduler/shared-memory.js';
import type { SlotIndex } from '../../scheduler/stream.js';

/** "No deadline", and "awake" in the watchdog's place: later than any deadline. */
export const NEVER_NS = 2n ** 63n - 1n;

const NS_PER_MS = 1e6;

/** Views of a control block, the same in every thread. */
export interface ControlBlock {
  readonly buffer: SharedArrayBuffer;
  readonly slots: number;
  readonly deadlinesNs: BigInt64Array;
  readonly words: Int32Array;
}

/** Index in `deadlinesNs` of the time the watchdog sleeps until. */
export const sleepIndex = (block: ControlBlock): number => block.slots;
/** Index in `words` of the counter that wakes the watchdog. */
export const wakeIndex = (block: ControlBlock): number => block.slots;
/** Index in `words` of the flag that ends the watchdog. */
export const endIndex = (block: ControlBlock): number => block.slots + 1;

/** Views a buffer that `createControlBlock` made, in another thread. */
export function viewControlBlock(buffer: SharedArrayBuffer, slots: number): ControlBlock {
  return {
    buffer,
    slots,
    deadlinesNs: new BigInt64Array(buffer, 0, slots + 1),
    words: new Int32Array(buffer, (slots + 1) * 8, slots + 2),
  };
}

/**
 * Makes a control block: no run, no deadline, the watchdog awake.
 *
 * @throws OUT_OF_MEMORY
 */
export function createControlBlock(slots: number): ControlBlock {
  const block = viewControlBlock(allocateShared((slots + 1) * 8 + (slots + 2) * 4, 'control words'), slots);
  block.deadlinesNs.fill(NEVER_NS);
  return block;
}

/**
 * Sets a stopping state if the word still is `running`, a running word seen before, and wakes a thread that pauses.
 * Returns whether it did.
 */
export function stopWord(block: ControlBlock, slot: number, running: number, state: number): boolean {
  const stopped = Atomics.compareExchange(block.words, slot, running, running | state) === running;
  if (stopped) Atomics.notify(block.words, slot);
  return stopped;
}

/** The main thread's side of a control block. */
export class SharedControls implements RunControls {
  readonly #block: ControlBlock;

  constructor(block: ControlBlock) {
    this.#block = block;
  }

  begin(slot: SlotIndex): ControlWord {
    const { words } = this.#block;
    const generation = (Atomics.load(words, slot) >>> GENERATION_SHIFT) + 1;
    Atomics.store(words, slot, (generation << GENERATION_SHIFT) | RUN_STATE.running);
    return { words, index: slot };
  }

  stop(slot: SlotIndex, state: number): boolean {
    const word = Atomics.load(this.#block.words, slot);
    return (word & STATE_MASK) === RUN_STATE.running && stopWord(this.#block, slot, word, state);
  }

  setDeadline(slot: SlotIndex, atMs: number): void {
    invariant(Number.isFinite(atMs), 'a deadline is a point in time');
    const { deadlinesNs, words } = this.#block;
    const atNs = BigInt(Math.ceil(atMs * NS_PER_MS));
    Atomics.store(deadlinesNs, slot, atNs);
    // The watchdog says "awake" while it looks at deadlines, so one it may have missed always wakes it.
    if (atNs >= Atomics.load(deadlinesNs, sleepIndex(this.#block))) return;
    this.#wake(words);
  }

  end(slot: SlotIndex): void {
    // The deadline goes first: a watchdog that still saw it finds another word, or a word without a deadline.
    Atomics.store(this.#block.deadlinesNs, slot, NEVER_NS);
    this.stop(slot, RUN_STATE.failed);
  }

  /** Ends the watchdog. */
  endWatchdog(): void {
    Atomics.store(this.#block.words, endIndex(this.#block), 1);
    this.#wake(this.#block.words);
  }

  #wake(words: Int32Array): void {
    Atomics.add(words, wakeIndex(this.#block), 1);
    Atomics.notify(words, wakeIndex(this.#block));
  }
}
