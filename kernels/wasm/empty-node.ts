/** Nodes whose outputs have no elements. */
import type { PreparedNode, ProgramNode } from '../../scheduler/kernel.js';
import { isWithoutElements } from '../ops/excluded.js';
import type { Heap } from './heap.js';

/** Prepares a node of empty outputs, or returns `undefined` for any other. */
export function prepareEmptyNode(node: ProgramNode, heap: Heap): PreparedNode | undefined {
  if (!isWithoutElements(node)) return undefined;
  const { outputs, outputSpecs } = node;
  return (values) => {
    const made = heap.makeAll(outputs.length, (index) => heap.make(outputSpecs[index]!));
    for (let index = 0; index < made.length; index++) values[outputs[index]!] = made[index];
  };
}
