/**
 * Parking: some devices take the whole process down when a thread is ended in the middle of what they do. Such a thread is
 * asked first, leaves nothing pending, and blocks until it is ended. One int32 word per thread started, shared with the main
 * thread, says how far that is.
 */
import { sharedNowNs } from '../../scheduler/clock.js';
import { allocateShared } from '../../scheduler/shared-memory.js';

/**
 * States of the word, in the order in which they follow each other. The main thread writes `ended` in place of `free`, and
 * `asked` in place of `mustPark`, by compare-and-swap; everything else is written by the thread itself.
 */
const PARK_STATE = Object.freeze({
  /** Nothing of a device that parks is loaded, or pends: the thread can be ended. */
  free: 0,
  /** The thread must not be ended before it has been asked and is idle. */
  mustPark: 1,
  asked: 2,
  /** It does nothing any more, but its device is not idle yet. */
  parkedBusy: 3,
  /** It can be ended. */
  parkedIdle: 4,
  /** It is being ended while it is free, or has ended by itself. */
  ended: 5,
});

const NS_PER_MS = 1e6;

/** The word of one thread. */
export type ParkWord = Int32Array<SharedArrayBuffer>;

/** @throws OUT_OF_MEMORY */
export function createParkWord(): ParkWord {
  return new Int32Array(allocateShared(Int32Array.BYTES_PER_ELEMENT, 'a park word'));
}

/** Asks the thread. Returns whether it has to be waited for: otherwise it can be ended at once. */
export function askToPark(word: ParkWord): boolean {
  if (Atomics.compareExchange(word, 0, PARK_STATE.free, PARK_STATE.ended) === PARK_STATE.free) return false;
  if (Atomics.compareExchange(word, 0, PARK_STATE.mustPark, PARK_STATE.asked) === PARK_STATE.mustPark)
    Atomics.notify(word, 0);
  return !canBeEnded(word);
}

/** Whether the thread has nothing of a device that parks; also one that has ended. */
export function isFree(word: ParkWord): boolean {
  const state = Atomics.load(word, 0);
  return state === PARK_STATE.free || state === PARK_STATE.ended;
}

/** Whether a thread that was asked can be ended. */
export function canBeEnded(word: ParkWord): boolean {
  return Atomics.load(word, 0) >= PARK_STATE.parkedIdle;
}

/**
 * Blocks until a thread that was asked can be ended, or until that time on the shared clock; one whose device is still busy is given
 * until the later time.
 */
export function blockUntilParked(word: ParkWord, untilNs: bigint, busyUntilNs: bigint): void {
  for (;;) {
    const state = Atomics.load(word, 0);
    const endNs = state === PARK_STATE.parkedBusy ? busyUntilNs : untilNs;
    const leftMs = Number(endNs - sharedNowNs()) / NS_PER_MS;
    if (state >= PARK_STATE.parkedIdle || leftMs <= 0) return;
    Atomics.wait(word, 0, state, leftMs);
  }
}

/** The thread's side: it will have to park. False when it is being ended already: it must not load its device. */
export function beginToNeedParking(word: ParkWord): boolean {
  return Atomics.compareExchange(word, 0, PARK_STATE.free, PARK_STATE.mustPark) === PARK_STATE.free;
}

/** The thread's side: for a while it can be ended at any time. False when it has been asked to park. */
export function stopNeedingParking(word: ParkWord): boolean {
  return Atomics.compareExchange(word, 0, PARK_STATE.mustPark, PARK_STATE.free) === PARK_STATE.mustPark;
}

/** The thread's side. */
export function isAskedToPark(word: ParkWord): boolean {
  return Atomics.load(word, 0) === PARK_STATE.asked;
}

/** The thread's side: says how far it is. Returns whether it had not said so before. */
export function sayParked(word: ParkWord, isIdle: boolean): boolean {
  return write(word, isIdle ? PARK_STATE.parkedIdle : PARK_STATE.parkedBusy);
}

/** The thread's side: it ends by itself. */
export function sayEnded(word: ParkWord): void {
  write(word, PARK_STATE.ended);
}

function write(word: ParkWord, state: number): boolean {
  const isNew = Atomics.exchange(word, 0, state) !== state;
  if (isNew) Atomics.notify(word, 0);
  return isNew;
}

/** The thread's side: blocks for as long as nobody writes the word, or for `ms`. */
export function blockInPark(word: ParkWord, ms = Number.POSITIVE_INFINITY): void {
  Atomics.wait(word, 0, Atomics.load(word, 0), ms);
}
