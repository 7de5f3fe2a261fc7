/** Nodes whose outputs have no elements: some kernels refuse to make them. */
import type { PreparedNode, ProgramNode } from '../../scheduler/kernel.js';
import { isWithoutElements } from '../ops/excluded.js';
import type { CountedBinding } from './counted-binding.js';
import { makeAll, makeTensor } from './tensor.js';

const NO_BYTES = new Uint8Array(0);

/** Prepares a node of empty outputs, or returns `undefined` for any other. */
export function prepareEmptyNode(node: ProgramNode, binding: CountedBinding): PreparedNode | undefined {
  if (!isWithoutElements(node)) return undefined;
  const { outputs, outputSpecs } = node;
  return (values) => {
    const made = makeAll(binding, outputs.length, (index) =>
      makeTensor(binding, outputSpecs[index]!, NO_BYTES),
    );
    for (let index = 0; index < made.length; index++) values[outputs[index]!] = made[index];
  };
}
