/** Objects that callers hand over as values by name: options, feeds, inputs. */

/** Kinds by `Object.prototype.toString`, which holds across realms. A namespace (`import * as options`) is a record, too. */
const KINDS: ReadonlySet<string> = new Set(['[object Object]', '[object Module]']);

/**
 * Whether `value` has its entries as properties that can be listed. A `Map`, an array or an `AbortSignal` keeps what it is
 * about elsewhere: taken for a record it would pass for an empty one. Never throws.
 */
export function isRecordLike(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  try {
    return KINDS.has(Object.prototype.toString.call(value)) && Object.keys(value) !== undefined;
  } catch {
    return false;
  }
}
