/** Memory of this thread alone that may not be had. */
import { curfewError } from './errors.js';

/**
 * A buffer of this many bytes.
 *
 * @param what how the message names it, for example `output "y"`
 * @param node the node that it belongs to, if there is one
 * @throws OUT_OF_MEMORY when the host does not have as much
 */
export function allocatePrivate(bytes: number, what: string, node?: string): ArrayBuffer {
  try {
    return new ArrayBuffer(bytes);
  } catch (cause) {
    const message = `${what}: could not allocate ${bytes} bytes`;
    throw curfewError('OUT_OF_MEMORY', message, { node, received: bytes, cause });
  }
}
