/** Checks that options of all kinds have in common. */
import { curfewError, quote } from '../scheduler/errors.js';
import { isAbortSignal } from './platform-objects.js';
import { isRecordLike } from './record-like.js';

/** An INVALID_OPTION error. */
export function invalidOption(option: string, expected: string, received: unknown): Error {
  return curfewError('INVALID_OPTION', `${option}: expected ${expected}, received ${quote(received)}`, {
    expected,
    received,
  });
}

/**
 * Options must be an object of no special kind, and must not have keys that nothing reads: most are typing mistakes.
 *
 * @throws INVALID_OPTION
 */
export function checkKeys(
  options: unknown,
  what: string,
  known: readonly string[],
): asserts options is Record<string, unknown> {
  if (!isRecordLike(options)) throw noOptions(options, what, known);
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) throw invalidOption(what, `only the options ${known.join(', ')}`, unknown);
}

function noOptions(received: unknown, what: string, known: readonly string[]): Error {
  if (!known.includes('signal') || !isAbortSignal(received)) {
    return invalidOption(what, `an object with options (${known.join(', ')})`, received);
  }
  const expected = '{ signal }';
  const message = `${what}: expected ${expected}, received an AbortSignal: pass { signal }`;
  return curfewError('INVALID_OPTION', message, { expected, received });
}

/** What a value must be. */
export interface Rule {
  readonly expected: string;
  fits(value: unknown): boolean;
}

/** A rule for each field of an options type; without one for every field it does not compile. */
export type Rules<Options> = { readonly [Field in keyof Options]-?: Rule };

/** A rule for numbers; never holds for NaN. */
export function numberRule(expected: string, fits: (value: number) => boolean): Rule {
  return { expected, fits: (value) => typeof value === 'number' && fits(value) };
}

/** The rule, or nothing at all. */
export function optional({ expected, fits }: Rule): Rule {
  return { expected: `${expected}, or nothing`, fits: (value) => value === undefined || fits(value) };
}

/**
 * Checks every field of an options object, those that are missing included.
 *
 * @param what how messages name the object, for example `virtual.profile`
 * @throws INVALID_OPTION
 */
export function checkFields(options: unknown, what: string, rules: Readonly<Record<string, Rule>>): void {
  checkKeys(options, what, Object.keys(rules));
  for (const [field, { expected, fits }] of Object.entries(rules)) {
    if (!fits(options[field])) throw invalidOption(`${what}.${field}`, expected, options[field]);
  }
}
