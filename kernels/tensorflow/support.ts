/** Which nodes tfjs-node's kernels compute as the cpu kernels do; the rest run on the cpu kernels. */
import type { ProgramNode } from '../../scheduler/kernel.js';

/** Whether TensorFlow computes the same for a node that has elements. */
export function isSameOnTensorFlow(_node: ProgramNode): boolean {
  return true;
}
