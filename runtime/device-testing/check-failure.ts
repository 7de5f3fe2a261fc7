/** What a check throws when a device departs from the contract. */
import { CurfewError, quote } from '../../scheduler/errors.js';
import { messageOf } from '../../scheduler/quote.js';

/** A departure from the contract, with what was expected and what came. */
export class CheckFailure extends Error {
  override readonly name = 'CheckFailure';
  readonly expected: unknown;
  readonly received: unknown;

  constructor(what: string, expected: unknown, received: unknown, cause?: unknown) {
    super(`${what}: expected ${inWords(expected)}, received ${inWords(received)}`, { cause });
    this.expected = expected;
    this.received = received;
  }
}

function inWords(value: unknown): string {
  return typeof value === 'string' ? value : quote(value);
}

/** Throws unless the condition holds. */
export function check(condition: boolean, what: string, expected: unknown, received: unknown): void {
  if (!condition) throw new CheckFailure(what, expected, received);
}

/** Throws unless both are the same value. */
export function checkSame(what: string, received: unknown, expected: unknown): void {
  check(Object.is(received, expected), what, expected, received);
}

/** Throws unless the error is a CurfewError of this code. */
export function checkCode(what: string, error: unknown, code: string): void {
  if (error instanceof CurfewError && error.code === code) return;
  const received = error instanceof CurfewError ? `a CurfewError ${error.code}` : describe(error);
  throw new CheckFailure(what, `a CurfewError ${code}`, received, error);
}

function describe(error: unknown): string {
  return error === undefined ? 'no error' : `another error: ${messageOf(error)}`;
}

/** What the function throws; `undefined` when it returns. */
export function errorOf(act: () => unknown): unknown {
  try {
    act();
    return undefined;
  } catch (error) {
    return error ?? new Error('nothing was thrown as an error');
  }
}

/** What the promise rejects with; `undefined` when it resolves. */
export async function rejectionOf(pending: Promise<unknown>): Promise<unknown> {
  try {
    await pending;
    return undefined;
  } catch (error) {
    return error ?? new Error('nothing was thrown as an error');
  }
}
