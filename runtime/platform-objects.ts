/** Objects of the platform by what they offer: another realm (Jest, `node:vm`) has classes of its own for them. */
import { peek } from '../scheduler/quote.js';

/** A URL object as one of this realm; `undefined` for anything else, strings included. */
export function asUrl(value: unknown): URL | undefined {
  const href = peek(value, Symbol.toStringTag) === 'URL' ? peek(value, 'href') : undefined;
  return typeof href === 'string' && URL.canParse(href) ? new URL(href) : undefined;
}
