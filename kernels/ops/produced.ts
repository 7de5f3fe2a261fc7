/** What kernels give must be what the graph promises: later nodes are prepared for it and read as many bytes. */
import { curfewError } from '../../scheduler/errors.js';
import type { ProgramNode } from '../../scheduler/kernel.js';
import { byteLength, formatSpec, sameShape, type TensorSpec } from '../../scheduler/tensor.js';

/**
 * Checks the outputs of a node's kernel.
 *
 * @param bytesOf tells how many bytes an output really has, whatever its shape says
 * @throws KERNEL_FAILED, naming the node
 */
export function checkProduced<Output extends TensorSpec>(
  node: ProgramNode,
  produced: readonly Output[],
  bytesOf: (output: Output) => number,
): void {
  const { outputSpecs } = node;
  for (let index = 0; index < outputSpecs.length; index++) {
    const expected = outputSpecs[index]!;
    const output = produced[index];
    if (output === undefined) throw misproduced(node, formatSpec(expected), 'nothing', index);
    if (output.dtype !== expected.dtype || !sameShape(output.shape, expected.shape))
      throw misproduced(node, formatSpec(expected), formatSpec(output), index);
    const [bytes, received] = [byteLength(expected), bytesOf(output)];
    if (received !== bytes)
      throw misproduced(node, `${formatSpec(expected)} of ${bytes} bytes`, `${received} bytes`, index);
  }
}

function misproduced(node: ProgramNode, expected: string, received: string, index: number): Error {
  return curfewError(
    'KERNEL_FAILED',
    `node "${node.name}" (${node.op}): expected ${expected} as output ${index}, the kernel produced ${received}`,
    { node: node.name, expected, received },
  );
}
