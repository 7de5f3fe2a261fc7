/** Values that nobody vouches for, as messages show them: a Proxy or a getter among them may throw at any touch. */

const MAX_LENGTH = 80;
const MAX_ITEMS = 8;

/** A property of any value; `undefined` where there is none and where reading it throws. */
export function peek(value: unknown, property: PropertyKey): unknown {
  try {
    return (value as Record<PropertyKey, unknown>)[property];
  } catch {
    return undefined;
  }
}

/** A received value as an error message quotes it: short, one line, never throwing. */
export function quote(value: unknown): string {
  try {
    return describe(value);
  } catch {
    return 'an object that cannot be inspected';
  }
}

/** What a thrown value says: the message of an error, of whatever realm; anything else as it is quoted. Never throws. */
export function messageOf(thrown: unknown): string {
  const message = peek(thrown, 'message');
  return typeof message === 'string' && message !== '' ? message : quote(thrown);
}

function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(shorten(value));
  if (typeof value === 'function') return named('function', peek(value, 'name')) ?? 'a function';
  if (typeof value !== 'object' || value === null) return shorten(String(value));
  if (Array.isArray(value)) {
    const items = value.slice(0, MAX_ITEMS).map(describeItem);
    return `[${items.join(', ')}${value.length > MAX_ITEMS ? ', ...' : ''}]`;
  }
  if (ArrayBuffer.isView(value)) {
    return `${value[Symbol.toStringTag as never] ?? 'DataView'} of ${value.byteLength} bytes`;
  }
  // What came from JSON may have a `constructor` that is anything.
  return named('an object of class', peek(peek(value, 'constructor'), 'name')) ?? 'an object';
}

function describeItem(item: unknown): string {
  return typeof item === 'object' && item !== null ? 'object' : quote(item);
}

function named(what: string, name: unknown): string | undefined {
  return typeof name === 'string' && name !== '' ? `${what} ${shorten(name)}` : undefined;
}

function shorten(text: string): string {
  return text.length > MAX_LENGTH ? `${text.slice(0, MAX_LENGTH - 3)}...` : text;
}
