/**
 * The watchdog thread: sleeps until the next deadline and stops the run it belongs to. It needs no turn of the main
 * thread's event loop, so a blocked main thread cannot make a run late.
 */
import { workerData } from 'node:worker_threads';
import { RUN_STATE, STATE_MASK } from '../../scheduler/cancellation.js';
import { sharedNowNs } from '../../scheduler/clock.js';
import {
  type ControlBlock,
  endIndex,
  NEVER_NS,
  sleepIndex,
  stopWord,
  viewControlBlock,
  wakeIndex,
} from './control-block.js';

/** What the thread is started with. */
export interface WatchdogData {
  readonly buffer: SharedArrayBuffer;
  readonly slots: number;
}

const NS_PER_MS = 1e6;

/** Stops every run whose deadline has passed; returns the next deadline. */
function stopOverdue(block: ControlBlock): bigint {
  const nowNs = sharedNowNs();
  let nextNs = NEVER_NS;
  for (let slot = 0; slot < block.slots; slot++) {
    // The word is read before the deadline: a run that begins in between has a new word, and stopping fails.
    const word = Atomics.load(block.words, slot);
    const deadlineNs = Atomics.load(block.deadlinesNs, slot);
    if (deadlineNs === NEVER_NS || (word & STATE_MASK) !== RUN_STATE.running) continue;
    if (deadlineNs <= nowNs) stopWord(block, slot, word, RUN_STATE.deadline);
    else if (deadlineNs < nextNs) nextNs = deadlineNs;
  }
  return nextNs;
}

function watch(block: ControlBlock): void {
  while (Atomics.load(block.words, endIndex(block)) === 0) {
    const wakeCount = Atomics.load(block.words, wakeIndex(block));
    Atomics.store(block.deadlinesNs, sleepIndex(block), NEVER_NS);
    const nextNs = stopOverdue(block);
    Atomics.store(block.deadlinesNs, sleepIndex(block), nextNs);
    const sleepMs = nextNs === NEVER_NS ? undefined : Math.max(0, Number(nextNs - sharedNowNs()) / NS_PER_MS);
    Atomics.wait(block.words, wakeIndex(block), wakeCount, sleepMs);
  }
}

const { buffer, slots } = workerData as WatchdogData;
watch(viewControlBlock(buffer, slots));
