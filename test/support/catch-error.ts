/** Getting at errors, with a failure when there is none. */
import { RunError } from '../../runtime/errors.js';
import { CurfewError } from '../../scheduler/errors.js';

/** What the promise rejects with, which must be a `CurfewError`. */
export async function rejection(promise: Promise<unknown>): Promise<CurfewError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('value' in outcome) throw new Error('expected a rejection, but the promise was fulfilled');
  if (outcome.error instanceof CurfewError) return outcome.error;
  throw outcome.error;
}

/** The same for a run that was accepted: its error has a report. */
export async function runRejection(promise: Promise<unknown>): Promise<RunError> {
  const error = await rejection(promise);
  if (error instanceof RunError) return error;
  throw error;
}

/** What the call throws, which must be a `CurfewError`. */
export function thrown(call: () => unknown): CurfewError {
  try {
    call();
  } catch (error) {
    if (error instanceof CurfewError) return error;
    throw error;
  }
  throw new Error('expected an exception, but the call returned');
}

/** What `action` throws. */
export function caught(action: () => unknown): unknown {
  try {
    action();
  } catch (error) {
    return error;
  }
  throw new Error('expected it to throw');
}
