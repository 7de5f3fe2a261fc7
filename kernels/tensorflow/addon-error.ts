/** Errors of the addon, which carries TensorFlow's status in its messages. */
import { curfewError } from '../../scheduler/errors.js';
import { messageOf } from '../../scheduler/quote.js';

/** `error::RESOURCE_EXHAUSTED` of TensorFlow: an allocator had no room. */
const RESOURCE_EXHAUSTED = 8;

/** What a session says, which tells its status in words only. */
const SESSION = /^Session fail to run with error: (.*)$/s;
const NO_ROOM = /OOM when allocating/;

const STATUS = /^Invalid TF_Status: (\d+)\nMessage: (.*)$/s;

/** The error with TensorFlow's own words, and OUT_OF_MEMORY where it says so. */
export function asCurfewError(error: unknown): unknown {
  const [, status, told] = STATUS.exec(messageOf(error)) ?? [];
  const message = told ?? SESSION.exec(messageOf(error))?.[1];
  if (message === undefined) return error;
  const text = `tensorflow: ${message}`;
  const isFull = status === undefined ? NO_ROOM.test(message) : Number(status) === RESOURCE_EXHAUSTED;
  if (isFull) return curfewError('OUT_OF_MEMORY', text, { cause: error });
  return new Error(text, { cause: error });
}
