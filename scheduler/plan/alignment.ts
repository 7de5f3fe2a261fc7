/** Where tensors may begin in a buffer that holds several. */

const ALIGNMENT_BYTES = 8;

/** The next offset at which any dtype may begin. */
export function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
}
