/**
 * Every error Curfew raises on purpose: one table of stable codes, one class that carries a code.
 * ERRORS.md documents the same table; a test holds the two together.
 */
import { messageOf, peek } from './quote.js';

export { quote } from './quote.js';

/** How a code relates to JavaScript's own error classes and whose fault it is. */
interface CodeEntry {
  /** 'type' errors are `TypeError`s, 'range' errors `RangeError`s, 'runtime' errors plain `Error`s. */
  readonly family: 'type' | 'range' | 'runtime';
  readonly summary: string;
}

const entry = (family: CodeEntry['family'], summary: string): CodeEntry => Object.freeze({ family, summary });

/** The table of codes. Codes are stable: they may be added to, never renamed. */
export const ERROR_CODES = Object.freeze({
  INVALID_OPTION: entry('type', 'An option or a listener has the wrong type or value.'),
  INVALID_GRAPH: entry(
    'type',
    'A graph is malformed: cycle, dangling reference, duplicate or empty name, no output.',
  ),
  INVALID_FEED: entry(
    'type',
    'A feed is missing, unknown, or has the wrong dtype, shape, length or container.',
  ),
  INVALID_ATTRIBUTE: entry(
    'type',
    'An attribute of a node is missing, has the wrong type, or contradicts its inputs.',
  ),
  INVALID_PLACEMENT: entry(
    'range',
    'A placement names a stream that does not exist, or splits a graph too finely.',
  ),
  INVALID_TRACE: entry('type', 'The traced function did something that a graph cannot represent.'),
  LIMIT_EXCEEDED: entry('range', 'A graph, a tensor or an option is larger than Curfew accepts.'),
  UNSUPPORTED_OP: entry('type', 'The device has no kernel for an op, or the op table does not describe it.'),
  UNSUPPORTED_OPTION: entry('type', 'The option is known but this device or this version does not offer it.'),
  HOST_NODE_FAILED: entry(
    'runtime',
    'A host node threw, or returned something that does not match its outputs.',
  ),
  KERNEL_FAILED: entry('runtime', 'A kernel threw, or produced a tensor other than the graph promises.'),
  OUT_OF_MEMORY: entry('runtime', 'The device, or the host, could not allocate a tensor or a buffer.'),
  DEADLINE_EXCEEDED: entry('runtime', 'The run had not settled when its deadline passed.'),
  ABORTED: entry('runtime', 'The signal given to the run was aborted.'),
  QUEUE_FULL: entry('runtime', 'As many runs are waiting as `queueLimit` allows.'),
  DEVICE_UNAVAILABLE: entry('runtime', 'The device could not be started on this machine.'),
  SETUP_FAILED: entry('runtime', 'A device could not be set up on this machine.'),
  DEVICE_LOST: entry('runtime', 'The stream that executed the run died; it has been replaced.'),
  ENGINE_CLOSED: entry('runtime', 'The engine is closed or closing and takes no more work.'),
  EXECUTABLE_DISPOSED: entry('runtime', 'The executable was disposed.'),
  TIMELINE_STATE: entry(
    'runtime',
    'A timeline of the engine was started while one was recorded, or stopped while none was.',
  ),
  INVALID_TIMELINE: entry('type', 'A file is no timeline: it breaks the rules of its format.'),
  INTERNAL: entry('runtime', 'An invariant of Curfew does not hold: a bug in Curfew.'),
});

/** One of the stable error codes. */
export type ErrorCode = keyof typeof ERROR_CODES;

/** Whether the table has this code. */
export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERROR_CODES, code);
}

/** What an error may say besides its message. */
export interface ErrorDetails {
  /** Name of the node concerned. */
  readonly node?: string | undefined;
  /** What was expected, in words or as a value. */
  readonly expected?: unknown;
  /** What came instead. */
  readonly received?: unknown;
  /** The error or reason underneath. */
  readonly cause?: unknown;
}

/** The fields every Curfew error carries, whatever JavaScript class it extends. */
interface CodedFields {
  /** Stable code; see ERRORS.md. */
  readonly code: ErrorCode;
  /** Name of the node concerned, where there is one. */
  readonly node: string | undefined;
  readonly expected: unknown;
  readonly received: unknown;
}

const CODED = Symbol.for('curfew.error');

type ErrorClass = new (message?: string, options?: ErrorOptions) => Error;

function coded<Base extends ErrorClass>(Base: Base) {
  return class CodedError extends (Base as ErrorClass) implements CodedFields {
    readonly code: ErrorCode;
    readonly node: string | undefined;
    readonly expected: unknown;
    readonly received: unknown;

    constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
      super(message, details.cause === undefined ? undefined : { cause: details.cause });
      this.name = 'CurfewError';
      this.code = code;
      this.node = details.node;
      this.expected = details.expected;
      this.received = details.received;
      Object.defineProperty(this, CODED, { value: true });
    }
  };
}

/**
 * An error with a stable `code`. Callers' mistakes are also `TypeError`s or `RangeError`s (see the table),
 * and `instanceof CurfewError` holds for those too.
 *
 * @example
 * try { await executable.run(feeds) } catch (error) {
 *   if (error instanceof CurfewError && error.code === 'INVALID_FEED') console.error(error.expected, error.received);
 * }
 */
export class CurfewError extends coded(Error) {
  static override [Symbol.hasInstance](this: unknown, value: unknown): boolean {
    // A subclass asks about itself alone; only the base speaks for the TypeError and RangeError variants.
    if (this !== CurfewError) return Function.prototype[Symbol.hasInstance].call(this as () => void, value);
    return typeof value === 'object' && value !== null && peek(value, CODED) === true;
  }
}

class CurfewTypeError extends coded(TypeError) {}
class CurfewRangeError extends coded(RangeError) {}

/**
 * Makes the error of a code, of the JavaScript class its table entry names.
 *
 * @example throw curfewError('INVALID_FEED', 'feed "x": expected 4 elements, received 3', { expected: 4, received: 3 });
 */
export function curfewError(code: ErrorCode, message: string, details: ErrorDetails = {}): CurfewError {
  // The code may be that of an error which a device module made up.
  const family = isErrorCode(code) ? ERROR_CODES[code].family : 'runtime';
  if (family === 'type') return new CurfewTypeError(code, message, details) as CurfewError;
  if (family === 'range') return new CurfewRangeError(code, message, details) as CurfewError;
  return new CurfewError(code, message, details);
}

/** Always on and cheap: throws `INTERNAL` where the code is in a state that must not exist. */
export function invariant(condition: unknown, message: string): asserts condition {
  if (!condition) throw new CurfewError('INTERNAL', `internal invariant violated: ${message}`);
}

/** An error as it crosses a thread: plain data that `structuredClone` keeps whole. */
export interface ErrorRecord {
  readonly code: ErrorCode;
  readonly message: string;
  readonly node?: string | undefined;
  readonly stack?: string | undefined;
  /** What `CurfewError` has of these, where it is a string or a number. */
  readonly expected?: string | number | undefined;
  readonly received?: string | number | undefined;
}

function plain(value: unknown): string | number | undefined {
  return typeof value === 'string' || typeof value === 'number' ? value : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/**
 * Any thrown value as a record; `fallback` is the code of what is no Curfew error, or has a code that the table lacks.
 * Never throws, whatever was thrown.
 */
export function toErrorRecord(error: unknown, fallback: ErrorCode, node?: string): ErrorRecord {
  const stack = text(peek(error, 'stack'));
  const message = messageOf(error);
  if (!(error instanceof CurfewError)) return { code: fallback, message, node, stack };
  const code = peek(error, 'code');
  return {
    code: isErrorCode(code) ? code : fallback,
    message,
    node: text(peek(error, 'node')) ?? node,
    stack,
    expected: plain(peek(error, 'expected')),
    received: plain(peek(error, 'received')),
  };
}

/** An error that came from another thread as a record; `fallback` stands in for a code that the table lacks. */
export function fromErrorRecord(record: ErrorRecord, fallback: ErrorCode = 'KERNEL_FAILED'): CurfewError {
  const { code, message, node, stack, expected, received } = record;
  const error = curfewError(isErrorCode(code) ? code : fallback, message, { node, expected, received });
  if (stack !== undefined) error.stack = stack;
  return error;
}
