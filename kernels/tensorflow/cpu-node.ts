/** Nodes that run on TensorFlow.js's cpu kernels because tfjs-node's are missing or compute something else. */
import type { PreparedNode, ProgramNode } from '../../scheduler/kernel.js';
import { bytesOf, type Tensor, type TensorData, type TensorSpec } from '../../scheduler/tensor.js';
import { prepareOnCpu } from '../reference/cpu.js';
import type { CountedBinding } from './counted-binding.js';
import { makeAll, makeTensor, type TensorFlowTensor } from './tensor.js';

/** Prepares a node on its cpu kernel, if there is one; inputs are copied from TensorFlow and outputs to it. */
export function prepareCpuNode(node: ProgramNode, binding: CountedBinding): PreparedNode | undefined {
  const kernel = prepareOnCpu(node);
  if (kernel === undefined) return undefined;
  return (values) => {
    const results = kernel(node.inputs.map((id) => fromTensorFlow(binding, values[id] as TensorFlowTensor)));
    const outputs = makeAll(binding, results.length, (index) => {
      const { dtype, shape, data } = results[index]!;
      return makeTensor(binding, { dtype, shape }, bytesOf(data));
    });
    for (let index = 0; index < outputs.length; index++) values[node.outputs[index]!] = outputs[index];
  };
}

function fromTensorFlow(binding: CountedBinding, tensor: TensorFlowTensor): Tensor {
  const { dtype, shape, id }: TensorSpec & { id: number } = tensor;
  return { dtype, shape, data: binding.tensorDataSync(id) as TensorData };
}
