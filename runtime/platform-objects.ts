/** Objects of the platform by what they offer: another realm (Jest, `node:vm`) has classes of its own for them. */
import { peek } from '../scheduler/quote.js';

/** Whether `value` offers what runs need of an `AbortSignal`. Does not read `aborted`: mode `'none'` never looks. */
export function isAbortSignal(value: unknown): value is AbortSignal {
  const listens = (method: string) => typeof peek(value, method) === 'function';
  const has = (property: string) => property in (value as object);
  try {
    return listens('addEventListener') && listens('removeEventListener') && has('aborted') && has('reason');
  } catch {
    return false;
  }
}

/** A URL object as one of this realm; `undefined` for anything else, strings included. */
export function asUrl(value: unknown): URL | undefined {
  const href = peek(value, Symbol.toStringTag) === 'URL' ? peek(value, 'href') : undefined;
  return typeof href === 'string' && URL.canParse(href) ? new URL(href) : undefined;
}
