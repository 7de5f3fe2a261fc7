/**
 * What a stream's thread asks of its device while it works. The work is a generator: wherever the thread has to
 * wait, it yields what for, and whoever drives it waits and answers (a real thread blocks or awaits a promise, a
 * virtual one lets virtual time pass).
 */
import type { ControlWord } from './cancellation.js';
import { curfewError } from './errors.js';
import type { DeviceTensor } from './kernel.js';
import { quote } from './quote.js';
import type { Mark } from './work-queue.js';

/** What the work waits for. */
export type DeviceWait =
  /** Submit what was prepared, now or together with what follows. Answered with the mark behind it. */
  | { readonly kind: 'submit'; readonly mayDefer: boolean }
  /** Wait until the mark is reached. Answered with whether that took waiting. */
  | { readonly kind: 'mark'; readonly mark: Mark }
  /** Read a tensor. Answered with its bytes, valid until the next wait. */
  | { readonly kind: 'read'; readonly tensor: DeviceTensor }
  /** Wait for a while, or until the run is stopped. */
  | { readonly kind: 'pause'; readonly ms: number; readonly control: ControlWord };

/** The answer to a wait. A pause has none. */
export type DeviceAnswer = Mark | boolean | Uint8Array | undefined;

/** Work that waits for the device. */
export type DeviceWork<Result> = Generator<DeviceWait, Result, DeviceAnswer>;

/** Submits what was prepared; see `WorkQueue.submit`. */
export function* submitWork(mayDefer = false): DeviceWork<Mark> {
  const mark = yield { kind: 'submit', mayDefer };
  if (typeof mark !== 'number' || !Number.isFinite(mark))
    throw brokenContract('submit', 'a finite number', mark);
  return mark;
}

/** A device that answers something else would give wrong values unnoticed. */
function brokenContract(what: string, expected: string, received: unknown): Error {
  const message = `device: expected ${expected} from ${what}, received ${quote(received)}`;
  return curfewError('KERNEL_FAILED', message, { expected, received: quote(received) });
}

/** Waits until the mark is reached. Returns whether that took waiting. */
export function* waitForMark(mark: Mark): DeviceWork<boolean> {
  const waited = yield { kind: 'mark', mark };
  if (typeof waited !== 'boolean') throw brokenContract('wait', 'a boolean', waited);
  return waited;
}

/** Reads a tensor. */
export function* readTensor(tensor: DeviceTensor): DeviceWork<Uint8Array> {
  const bytes = yield { kind: 'read', tensor };
  if (!(bytes instanceof Uint8Array)) throw brokenContract('read', 'a Uint8Array', bytes);
  return bytes;
}

/** Waits for a while, or until the run is stopped. */
export function* pauseFor(ms: number, control: ControlWord): DeviceWork<void> {
  yield { kind: 'pause', ms, control };
}
