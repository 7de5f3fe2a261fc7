/**
 * What a stream's thread asks of its device while it works. The work is a generator: wherever the thread has to
 * wait, it yields what for, and whoever drives it waits and answers (a real thread blocks or awaits a promise, a
 * virtual one lets virtual time pass).
 */
import type { ControlWord } from './cancellation.js';
import type { DeviceTensor } from './kernel.js';
import type { Mark } from './work-queue.js';

/** What the work waits for. */
export type DeviceWait =
  /** Submit what was prepared. Answered with the mark behind it. */
  | { readonly kind: 'submit' }
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

/** Submits what was prepared. */
export function* submitWork(): DeviceWork<Mark> {
  return (yield { kind: 'submit' }) as Mark;
}

/** Waits until the mark is reached. Returns whether that took waiting. */
export function* waitForMark(mark: Mark): DeviceWork<boolean> {
  return (yield { kind: 'mark', mark }) as boolean;
}

/** Reads a tensor. */
export function* readTensor(tensor: DeviceTensor): DeviceWork<Uint8Array> {
  return (yield { kind: 'read', tensor }) as Uint8Array;
}

/** Waits for a while, or until the run is stopped. */
export function* pauseFor(ms: number, control: ControlWord): DeviceWork<void> {
  yield { kind: 'pause', ms, control };
}
