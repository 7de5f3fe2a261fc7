/** Bytes as bools: kernels compute with 0 and 1, and make anything of other bytes. */

/** Arrays that are shorter are looked at byte by byte. */
const WORDWISE_FROM = 64;
/** Set in a word of four bytes of which one is neither 0 nor 1. */
const OTHER_BITS = 0xfefefefe | 0;

/** Place of the first byte that is neither 0 nor 1, or -1. Looks at four bytes at a time, as feeds may be large. */
export function firstOtherThanBool(bytes: Uint8Array): number {
  if (bytes.length < WORDWISE_FROM) return findByte(bytes, 0, bytes.length);
  const { buffer, byteOffset, length } = bytes;
  const start = -byteOffset & 3;
  const words = new Int32Array(buffer, byteOffset + start, (length - start) >> 2);
  const end = start + words.length * 4;
  const head = findByte(bytes, 0, start);
  if (head >= 0) return head;
  for (let index = 0; index < words.length; index++) {
    if ((words[index]! & OTHER_BITS) !== 0) return findByte(bytes, start + index * 4, end);
  }
  return findByte(bytes, end, length);
}

function findByte(bytes: Uint8Array, start: number, end: number): number {
  for (let index = start; index < end; index++) if (bytes[index]! > 1) return index;
  return -1;
}
