/** What the values of a node's inputs have to keep to before a kernel runs. */
import type { ProgramNode } from '../../scheduler/kernel.js';
import { indexCheck, type ReadIndices } from './index-bounds.js';
import { sizeCheck } from './size-bounds.js';

/** Throws KERNEL_FAILED, naming the node, for values that no kernel is given. */
export type ValueCheck = (read: ReadIndices) => void;

/** The check of a node's indices and of the sizes that its inputs ask for; `undefined` where there is nothing to check. */
export function valueCheck(node: ProgramNode): ValueCheck | undefined {
  const indices = indexCheck(node);
  const sizes = sizeCheck(node);
  if (indices === undefined || sizes === undefined) return indices ?? sizes;
  return (read) => {
    indices(read);
    sizes(read);
  };
}
