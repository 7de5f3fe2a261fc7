/** What kernels give must be what the graph promises: later nodes are prepared for it and read as many bytes. */
import { curfewError } from '../../scheduler/errors.js';
import type { ProgramNode } from '../../scheduler/kernel.js';
import { formatSpec, sameShape, type TensorSpec } from '../../scheduler/tensor.js';

/**
 * Checks the outputs of a node's kernel.
 *
 * @throws KERNEL_FAILED, naming the node
 */
export function checkProduced(node: ProgramNode, produced: readonly TensorSpec[]): void {
  const { outputSpecs } = node;
  for (let index = 0; index < outputSpecs.length; index++) {
    const expected = outputSpecs[index]!;
    const output = produced[index];
    if (output !== undefined && output.dtype === expected.dtype && sameShape(output.shape, expected.shape))
      continue;
    throw misproduced(
      node,
      formatSpec(expected),
      output === undefined ? 'nothing' : formatSpec(output),
      index,
    );
  }
}

function misproduced(node: ProgramNode, expected: string, received: string, index: number): Error {
  return curfewError(
    'KERNEL_FAILED',
    `node "${node.name}" (${node.op}): expected ${expected} as output ${index}, the kernel produced ${received}`,
    { node: node.name, expected, received },
  );
}
