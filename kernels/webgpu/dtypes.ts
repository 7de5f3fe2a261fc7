/**
 * Which nodes compute with int32 as the cpu kernels do. Found by running every kernel with integers of all sizes on both (tfjs
 * 4.22.0): most read and write them as float32, which counts to 2^24, also to copy them, and round and saturate where the cpu
 * kernels overflow.
 */
import type { ProgramNode } from '../../scheduler/kernel.js';

/** Ops that take int32 as they are, or whose results do not depend on digits beyond 2^24. */
const INT32_TOO: ReadonlySet<string> = new Set([
  ...['Identity', 'Reshape', 'ExpandDims', 'OnesLike', 'ZerosLike', 'Cast'],
  ...['IsFinite', 'IsInf', 'IsNan', 'Relu6', 'Sign'],
]);

/** Inputs that are places or sizes: no tensor has so many elements that float32 could not count them. */
const PLACES: ReadonlySet<string> = new Set([
  'boxInd',
  'indices',
  'sparseIndices',
  'outputShape',
  'segmentIds',
]);

/** Whether the node's kernel keeps the integers among its inputs. */
export function takesIntegers({ op, inputNames, inputSpecs }: ProgramNode): boolean {
  if (INT32_TOO.has(op)) return true;
  return inputSpecs.every(({ dtype }, index) => dtype !== 'int32' || PLACES.has(inputNames[index]!));
}
