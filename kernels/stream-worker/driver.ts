/** Drives a session: whatever it waits for, its thread waits. */
import { type ControlWord, stopReasonOf } from '../../scheduler/cancellation.js';
import type { DeviceAnswer, DeviceWait, DeviceWork } from '../../scheduler/device-wait.js';
import { curfewError } from '../../scheduler/errors.js';
import type { KernelBackend } from '../../scheduler/kernel.js';

type Answer = DeviceAnswer | Promise<DeviceAnswer>;

/** Waits, or returns the promise to wait for. */
export type Waiter = (wait: DeviceWait) => Answer;

/** How a thread pauses for a while, or until the run of the control word is stopped. */
export type Pause = (control: ControlWord, ms: number) => Answer;

/** Asks the backend. */
export function waiterOn(backend: KernelBackend, pause: Pause = block): Waiter {
  if (backend.queue === undefined) {
    return (wait) => {
      throw curfewError(
        'INTERNAL',
        `work on a backend without a queue waits for nothing, not for ${wait.kind}`,
      );
    };
  }
  const { queue } = backend;
  return (wait) => {
    switch (wait.kind) {
      case 'submit':
        return queue.submit(wait.mayDefer);
      case 'mark':
        return queue.reached(wait.mark) ? false : queue.wait(wait.mark);
      case 'read':
        return backend.read(wait.tensor);
      case 'pause':
        return pause(wait.control, wait.ms);
    }
  };
}

/** A pause that is no longer than this is made in one piece. */
const PIECE_MS = 50;

/** Blocks in pieces, so that a thread that is asked to leave meanwhile does so in time. */
export function pauseInPieces(leaveIfAsked: () => void): Pause {
  return (control, ms) => {
    let leftMs = ms;
    while (leftMs > 0 && passes(control, Math.min(leftMs, PIECE_MS))) {
      leaveIfAsked();
      leftMs -= PIECE_MS;
    }
    return undefined;
  };
}

/** Blocks a real thread. Whoever stops the run changes its word and notifies. */
function block(control: ControlWord, ms: number): undefined {
  passes(control, ms);
}

/** Blocks; returns whether all of the time has passed, the run not stopped. */
function passes({ words, index }: ControlWord, ms: number): boolean {
  const word = Atomics.load(words, index);
  return stopReasonOf(word) === undefined && Atomics.wait(words, index, word, ms) === 'timed-out';
}

async function driveOn(
  work: DeviceWork<void>,
  wait: Waiter,
  first: Promise<DeviceAnswer>,
  leaveIfAsked: () => void,
): Promise<void> {
  let pending: Answer = first;
  for (;;) {
    let next: IteratorResult<DeviceWait, void>;
    try {
      const answer = await pending;
      leaveIfAsked();
      next = work.next(answer);
    } catch (error) {
      leaveIfAsked();
      next = work.throw(error);
    }
    if (next.done) return;
    leaveIfAsked();
    pending = attempt(wait, next.value);
  }
}

/** An answer that throws is one that rejects. */
function attempt(wait: Waiter, what: DeviceWait): Answer {
  try {
    return wait(what);
  } catch (error) {
    return Promise.reject(error);
  }
}

/**
 * Runs the session's work to its end on this thread, within the call unless a wait is answered with a promise: then a
 * promise is returned, and the caller starts nothing else until it has settled.
 *
 * @param leaveIfAsked called at the start and around each wait. Also behind it, because a thread that hung in one may have
 *   been abandoned: then another has taken its place and writes to what they share.
 */
export function drive(
  work: DeviceWork<void>,
  wait: Waiter,
  leaveIfAsked: () => void = () => undefined,
): Promise<void> | undefined {
  leaveIfAsked();
  let next = work.next();
  while (!next.done) {
    leaveIfAsked();
    let answered: Answer;
    try {
      answered = wait(next.value);
    } catch (error) {
      leaveIfAsked();
      next = work.throw(error);
      continue;
    }
    if (answered instanceof Promise) return driveOn(work, wait, answered, leaveIfAsked);
    leaveIfAsked();
    next = work.next(answered);
  }
  return undefined;
}
