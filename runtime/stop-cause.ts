/** What stops a run from outside, and how the outcome follows from it. */
import { RUN_STATE, type StopReason } from '../scheduler/cancellation.js';
import { peek } from '../scheduler/quote.js';
import { type AbortSource, reasonOf } from './abort-source.js';

/** A stop, and when it was due. */
export interface StopCause {
  readonly reason: 'aborted' | 'deadline-exceeded';
  readonly atMs: number;
}

/**
 * What an aborted signal means: a deadline, when its reason is a `TimeoutError`, as `AbortSignal.timeout()` gives it; an
 * abort otherwise.
 */
export function causeOfSignal(signal: AbortSource, atMs: number): StopCause {
  return { reason: isTimeoutError(reasonOf(signal)) ? 'deadline-exceeded' : 'aborted', atMs };
}

/** Reasons are callers' values: asking one for its name may throw. */
function isTimeoutError(reason: unknown): boolean {
  return typeof reason === 'object' && peek(reason, 'name') === 'TimeoutError';
}

/** The state that a stop leaves in the control word. */
export function stateOf({ reason }: StopCause): number {
  return reason === 'aborted' ? RUN_STATE.aborted : RUN_STATE.deadline;
}

/**
 * Which of the causes, each due by now, stopped a run: the one that its control word names, or else the earliest.
 * `undefined` when nothing stopped it, or a failure did.
 */
export function decideCause(
  word: StopReason | undefined,
  causes: readonly (StopCause | undefined)[],
): StopCause | undefined {
  if (word === 'failed') return undefined;
  const due = causes.filter((cause) => cause !== undefined && (word === undefined || cause.reason === word));
  return due.reduce(
    (first, cause) => (first === undefined || cause!.atMs < first.atMs ? cause : first),
    undefined,
  );
}
