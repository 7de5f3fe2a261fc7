/** Nodes whose outputs have no elements. */
import type { PreparedNode, ProgramNode } from '../../scheduler/kernel.js';
import { prepareWithoutElements } from '../ops/empty-node.js';
import type { Heap } from './heap.js';

/** Prepares a node of empty outputs, or returns `undefined` for any other. */
export function prepareEmptyNode(node: ProgramNode, heap: Heap): PreparedNode | undefined {
  return prepareWithoutElements(node, (specs) =>
    heap.makeAll(specs.length, (index) => heap.make(specs[index]!)),
  );
}
