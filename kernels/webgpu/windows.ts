/** Pools: whether each of their windows lies on the image, if only with its edge. */
import type { ProgramNode } from '../../scheduler/kernel.js';
import { windowsOf } from '../ops/node-windows.js';

/** Whether no window of the pool is without elements. */
export function hasNoEmptyWindow(node: ProgramNode): boolean {
  return windowsOf(node).dimensions.every(({ length, outputLength, filterLength, stride, before }) => {
    const lastStart = (outputLength - 1) * stride - before;
    return before < filterLength && lastStart < length;
  });
}
