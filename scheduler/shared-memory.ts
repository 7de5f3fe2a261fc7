/** Shared memory that may not be had. */
import { curfewError } from './errors.js';

/**
 * A shared buffer of this many bytes.
 *
 * @param what how the message names it, for example `exchange buffer`
 * @throws OUT_OF_MEMORY when the host does not have as much
 */
export function allocateShared(bytes: number, what: string): SharedArrayBuffer {
  try {
    return new SharedArrayBuffer(bytes);
  } catch (cause) {
    throw curfewError('OUT_OF_MEMORY', `${what}: could not allocate ${bytes} bytes of shared memory`, {
      received: bytes,
      cause,
    });
  }
}
