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
        return queue.submit();
      case 'mark':
        return queue.reached(wait.mark) ? false : queue.wait(wait.mark);
      case 'read':
        return backend.read(wait.tensor);
      case 'pause':
        return pause(wait.control, wait.ms);
    }
  };
}

/** Blocks a real thread. Whoever stops the run changes its word and notifies. */
function block({ words, index }: ControlWord, ms: number): undefined {
  const word = Atomics.load(words, index);
  if (stopReasonOf(word) === undefined) Atomics.wait(words, index, word, ms);
}

async function driveOn(work: DeviceWork<void>, wait: Waiter, first: Promise<DeviceAnswer>): Promise<void> {
  let pending: Answer = first;
  for (;;) {
    let next: IteratorResult<DeviceWait, void>;
    try {
      next = work.next(await pending);
    } catch (error) {
      next = work.throw(error);
    }
    if (next.done) return;
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
 */
export function drive(work: DeviceWork<void>, wait: Waiter): Promise<void> | undefined {
  let next = work.next();
  while (!next.done) {
    let answered: Answer;
    try {
      answered = wait(next.value);
    } catch (error) {
      next = work.throw(error);
      continue;
    }
    if (answered instanceof Promise) return driveOn(work, wait, answered);
    next = work.next(answered);
  }
  return undefined;
}
