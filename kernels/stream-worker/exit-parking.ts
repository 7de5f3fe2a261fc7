/**
 * The end of the process: Node ends all worker threads, wherever they are, so those that must park are made to before. That
 * goes for `process.exit()`, an uncaught error and a natural end alike. A thread of the caller's that is terminated from
 * outside, as the end of the process does it, is told nothing: engines that live in it have to be closed before.
 */
import { writeSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { sharedNowNs } from '../../scheduler/clock.js';
import { askToPark, blockUntilParked, canBeEnded, type ParkWord } from './parking.js';

/** For all threads together: to see that they are asked, and for devices to end what they were given. */
const LIMIT_NS = 2_000_000_000n;
/** A driver resets a GPU that hangs sooner than that. */
const BUSY_LIMIT_NS = 10_000_000_000n;

const STDERR = 2;

/** A thread that may have to park. */
export interface ParkingThread {
  readonly word: ParkWord;
  /** Wakes one that has nothing to do, so that it sees that it is asked. */
  wake(): void;
}

const threads = new Set<ParkingThread>();

/** Has the thread parked should the process, or the thread of the caller's that the engine lives in, end. */
export function parkAtExit(thread: ParkingThread): void {
  if (threads.size === 0) process.on('exit', parkAll);
  threads.add(thread);
}

/** The thread is over, or need not park. */
export function needNotPark(thread: ParkingThread): void {
  if (threads.delete(thread) && threads.size === 0) process.off('exit', parkAll);
}

function parkAll(): void {
  const nowNs = sharedNowNs();
  const asked = [...threads].filter(({ word }) => askToPark(word));
  for (const thread of asked) thread.wake();
  for (const { word } of asked) blockUntilParked(word, nowNs + LIMIT_NS, nowNs + BUSY_LIMIT_NS);
  const hanging = asked.filter(({ word }) => !canBeEnded(word)).length;
  // A thread of the caller's has no say in the end of the process.
  if (hanging > 0 && isMainThread) killProcess(hanging);
}

/** Node would wait for the threads for ever, or their devices would abort the process. */
function killProcess(hanging: number): void {
  const threadsHang = hanging === 1 ? 'a thread hangs' : `${hanging} threads hang`;
  writeSync(
    STDERR,
    `curfew: ${threadsHang} in a device and cannot be ended: the process ends with SIGKILL\n`,
  );
  process.kill(process.pid, 'SIGKILL');
}
