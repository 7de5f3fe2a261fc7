/** Nodes whose outputs have no elements. */
import type { PreparedNode, ProgramNode } from '../../scheduler/kernel.js';
import { isWithoutElements } from '../ops/excluded.js';
import type { GpuTensor } from './tensor.js';

/** Prepares a node of empty outputs, or returns `undefined` for any other. */
export function prepareEmptyNode(node: ProgramNode): PreparedNode | undefined {
  if (!isWithoutElements(node)) return undefined;
  const { outputs, outputSpecs } = node;
  return (values) => {
    outputs.forEach((value, index) => {
      const { dtype, shape } = outputSpecs[index]!;
      const tensor: GpuTensor = { dtype, shape, block: undefined };
      values[value] = tensor;
    });
  };
}
