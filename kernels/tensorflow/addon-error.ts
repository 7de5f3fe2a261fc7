/** Errors of the addon, which carries TensorFlow's status in its messages. */
import { curfewError } from '../../scheduler/errors.js';
import { messageOf } from '../../scheduler/quote.js';

/** `error::RESOURCE_EXHAUSTED` of TensorFlow: an allocator had no room. */
const RESOURCE_EXHAUSTED = 8;

const STATUS = /^Invalid TF_Status: (\d+)\nMessage: (.*)$/s;

/** The error with TensorFlow's own words, and OUT_OF_MEMORY where it says so. */
export function asCurfewError(error: unknown): unknown {
  const [, status, message] = STATUS.exec(messageOf(error)) ?? [];
  if (status === undefined) return error;
  const text = `tensorflow: ${message}`;
  if (Number(status) === RESOURCE_EXHAUSTED) return curfewError('OUT_OF_MEMORY', text, { cause: error });
  return new Error(text, { cause: error });
}
