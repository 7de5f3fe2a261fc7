/** Checks that options of all kinds have in common. */
import { curfewError, quote } from '../scheduler/errors.js';

/** An INVALID_OPTION error. */
export function invalidOption(option: string, expected: string, received: unknown): Error {
  return curfewError('INVALID_OPTION', `${option}: expected ${expected}, received ${quote(received)}`, {
    expected,
    received,
  });
}

/**
 * An options object must be one, and must not have keys that nothing reads: most are typing mistakes.
 *
 * @throws INVALID_OPTION
 */
export function checkKeys(
  options: unknown,
  what: string,
  known: readonly string[],
): asserts options is Record<string, unknown> {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw invalidOption(what, 'an object', options);
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) throw invalidOption(what, `only the options ${known.join(', ')}`, unknown);
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
