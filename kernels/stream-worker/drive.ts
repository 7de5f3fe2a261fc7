/** Drives a session on a real thread: whatever it waits for, the thread waits. */

import type { Clock } from '../../scheduler/clock.js';
import { invariant } from '../../scheduler/errors.js';
import type { KernelBackend } from '../../scheduler/kernel.js';
import type { DeviceWait, DeviceWaiting } from '../../scheduler/queued-loop.js';

/** A fence that returns sooner than this found everything finished already. */
const FENCE_CALL_MS = 0.02;

/** A word nobody notifies: waiting on it is how a thread pauses. */
const neverNotified = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

function waitFor(wait: DeviceWait, backend: KernelBackend, clock: Clock): boolean {
  switch (wait.kind) {
    case 'submit':
      return false;
    case 'pause':
      Atomics.wait(neverNotified, 0, 0, wait.ms);
      return true;
    case 'fence': {
      invariant(backend.fence !== undefined, 'a queueing backend has a fence');
      const startMs = clock.nowMs();
      backend.fence();
      return clock.nowMs() - startMs > FENCE_CALL_MS;
    }
  }
}

/** Runs the session's work to its end on this thread. */
export function driveBlocking(work: DeviceWaiting<void>, backend: KernelBackend, clock: Clock): void {
  let next = work.next();
  while (!next.done) {
    let waited: boolean;
    try {
      waited = waitFor(next.value, backend, clock);
    } catch (error) {
      next = work.throw(error);
      continue;
    }
    next = work.next(waited);
  }
}
