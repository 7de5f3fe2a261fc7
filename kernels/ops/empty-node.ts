/** Nodes whose outputs have no elements: kernels refuse to make them, trap, or never end. */
import type { DeviceTensor, PreparedNode, ProgramNode } from '../../scheduler/kernel.js';
import type { TensorSpec } from '../../scheduler/tensor.js';
import { isWithoutElements } from './excluded.js';

/**
 * Prepares a node of empty outputs, or returns `undefined` for any other.
 *
 * @param makeAll makes all tensors or, where it throws, none
 */
export function prepareWithoutElements(
  node: ProgramNode,
  makeAll: (specs: readonly TensorSpec[]) => readonly DeviceTensor[],
): PreparedNode | undefined {
  if (!isWithoutElements(node)) return undefined;
  const { outputs, outputSpecs } = node;
  return (values) => {
    const made = makeAll(outputSpecs);
    for (let index = 0; index < outputs.length; index++) values[outputs[index]!] = made[index];
  };
}
