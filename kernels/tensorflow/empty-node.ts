/** Nodes whose outputs have no elements. */
import type { PreparedNode, ProgramNode } from '../../scheduler/kernel.js';
import { prepareWithoutElements } from '../ops/empty-node.js';
import type { CountedBinding } from './counted-binding.js';
import { makeAll, makeTensor } from './tensor.js';

const NO_BYTES = new Uint8Array(0);

/** Prepares a node of empty outputs, or returns `undefined` for any other. */
export function prepareEmptyNode(node: ProgramNode, binding: CountedBinding): PreparedNode | undefined {
  return prepareWithoutElements(node, (specs) =>
    makeAll(binding, specs.length, (index) => makeTensor(binding, specs[index]!, NO_BYTES)),
  );
}
