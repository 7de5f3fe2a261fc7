/** Drives a virtual clock: one event, then whatever promises it settled, then the rules, then the next event. */
import type { VirtualClock } from '../../kernels/virtual/virtual-clock.js';
import { yieldToEventLoop } from '../../scheduler/clock.js';
import type { Monitor } from './monitor.js';

/** Events until one promise settles: beyond it something goes round in circles. */
const MAX_EVENTS = 200_000;

/** Turns of the event loop that real work, such as a host function, may take. */
const MAX_HELD_TURNS = 10_000;

/** Events between two turns of the event loop, so that its timers are not starved. */
const EVENTS_PER_TURN = 64;

/** Node calls it once no promise has a reaction left to run: what an event settled has run its course. */
function promisesRun(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}

/**
 * Lets virtual time go on until the promise settles.
 *
 * @throws the first broken rule; or that time ends, or does not, before the promise has settled
 */
export async function advanceUntil<Result>(
  clock: VirtualClock,
  monitor: Monitor,
  promise: Promise<Result>,
): Promise<Result> {
  let settled = false;
  const settle = () => {
    settled = true;
  };
  promise.then(settle, settle);
  let heldTurns = 0;
  for (let events = 1; ; events++) {
    await (heldTurns > 0 || events % EVENTS_PER_TURN === 0 ? yieldToEventLoop() : promisesRun());
    monitor.atRest();
    if (settled) return promise;
    const step = clock.step();
    if (step === 'event') monitor.afterEvent();
    else if (step === 'idle') throw new Error('nothing is left to happen, and not every run has settled');
    heldTurns = step === 'held' ? heldTurns + 1 : 0;
    if (heldTurns > MAX_HELD_TURNS || events > MAX_EVENTS)
      throw new Error('time does not go on, and not every run has settled');
  }
}
