/** Callers' abort signals. They are touched here only: one may be a stand-in for a signal, and throw at any touch. */
import { messageOf, peek } from '../scheduler/quote.js';
import { invalidOption } from './option-checks.js';

/** What Curfew needs of an `AbortSignal`, of whatever realm. */
export type AbortSource = Pick<
  AbortSignal,
  'aborted' | 'reason' | 'addEventListener' | 'removeEventListener'
>;

/** @throws INVALID_OPTION when the signal does not say */
export function isAborted(signal: AbortSource): boolean {
  try {
    return Boolean(signal.aborted);
  } catch (error) {
    throw refused('aborted', error);
  }
}

/** Why it aborted; `undefined` when it does not say. */
export function reasonOf(signal: AbortSource): unknown {
  return peek(signal, 'reason');
}

/** @throws INVALID_OPTION when the signal takes no listener */
export function listenTo(signal: AbortSource, listener: () => void): void {
  try {
    signal.addEventListener('abort', listener);
  } catch (error) {
    throw refused('addEventListener', error);
  }
}

/** Ends that. A signal that keeps the listener all the same calls nobody with it. */
export function stopListeningTo(signal: AbortSource, listener: () => void): void {
  try {
    signal.removeEventListener('abort', listener);
  } catch {
    // The run has settled, or is about to: it ends as it would have.
  }
}

function refused(property: string, error: unknown): Error {
  return invalidOption('signal', 'an AbortSignal', `signal.${property} threw ${messageOf(error)}`);
}
