/** Nodes whose outputs have no elements. */
import type { PreparedNode, ProgramNode } from '../../scheduler/kernel.js';
import { prepareWithoutElements } from '../ops/empty-node.js';
import type { GpuTensor } from './tensor.js';

/** Prepares a node of empty outputs, or returns `undefined` for any other. */
export function prepareEmptyNode(node: ProgramNode): PreparedNode | undefined {
  return prepareWithoutElements(node, (specs) =>
    specs.map(({ dtype, shape }): GpuTensor => ({ dtype, shape, block: undefined })),
  );
}
