/** Numbers among attributes that float32, which kernels take, has not: infinite ones, NaN, and those beyond its digits. */
import type { ProgramNode } from '../../scheduler/kernel.js';

/** The least float32 that has all its digits. */
const LEAST_FLOAT32 = 2 ** -126;

/**
 * Ops whose kernels compute with infinities of float32 what the cpu kernels compute. Others lose them on the way, or make
 * INT_MIN of them where the dtype is int32.
 */
const TAKE_INFINITY = new Set([
  ...['ClipByValue', 'Fill', 'PadV2'],
  ...['NonMaxSuppressionV3', 'NonMaxSuppressionV4', 'NonMaxSuppressionV5'],
]);

function* numbersIn(value: unknown): Generator<number> {
  if (typeof value === 'number') yield value;
  else if (typeof value === 'object' && value !== null) {
    for (const item of Object.values(value)) yield* numbersIn(item);
  }
}

function isFloat32(number: number): boolean {
  const size = Math.abs(number);
  return size === 0 || (size >= LEAST_FLOAT32 && Number.isFinite(Math.fround(size)));
}

/** Whether the node's wasm kernel takes the numbers among its attributes as the cpu kernel does. */
export function takesNumbers({ op, attributes, outputSpecs, inputSpecs }: ProgramNode): boolean {
  const { dtype } = inputSpecs[0] ?? outputSpecs[0]!;
  const takesInfinity = TAKE_INFINITY.has(op) && dtype === 'float32';
  for (const number of numbersIn(attributes)) {
    // Kernels differ in what they make of it, and some keep operators by their attributes.
    if (Number.isNaN(number)) return false;
    if (!Number.isFinite(number) && !takesInfinity) return false;
    // A bound beyond float32 bounds all the same.
    if (Number.isFinite(number) && op !== 'ClipByValue' && !isFloat32(number)) return false;
  }
  return true;
}
