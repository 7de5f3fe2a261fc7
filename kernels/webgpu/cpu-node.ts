/** Nodes that run on TensorFlow.js's cpu kernels because WebGPU's are missing or compute something else. */
import type { PreparedNode, ProgramNode } from '../../scheduler/kernel.js';
import { bytesOf, type Tensor } from '../../scheduler/tensor.js';
import { prepareOnCpu } from '../reference/cpu.js';
import type { Gpu } from './gpu.js';
import type { GpuTensor } from './tensor.js';
import { readTensor, releaseTensors, uploadTensor } from './transfer.js';

/** Prepares a node on its cpu kernel, if there is one. It waits for its inputs. */
export function prepareCpuNode(node: ProgramNode, gpu: Gpu): PreparedNode | undefined {
  const kernel = prepareOnCpu(node);
  if (kernel === undefined) return undefined;
  return (values) => {
    const inputs = node.inputs.map((id) => readTensor(gpu, values[id] as GpuTensor));
    const startMs = gpu.clock.nowMs();
    // All work before it is over, and nothing pends.
    const results = gpu.whileFree(() => kernel(inputs));
    gpu.queue.timer.ranOnHost(startMs, gpu.clock.nowMs());
    const outputs = uploadAll(gpu, results.slice(0, node.outputs.length));
    for (let index = 0; index < outputs.length; index++) values[node.outputs[index]!] = outputs[index];
  };
}

/** All of them or none. */
function uploadAll(gpu: Gpu, tensors: readonly Tensor[]): GpuTensor[] {
  const uploaded: GpuTensor[] = [];
  try {
    for (const { dtype, shape, data } of tensors)
      uploaded.push(uploadTensor(gpu, { dtype, shape }, bytesOf(data)));
    return uploaded;
  } catch (error) {
    releaseTensors(gpu, uploaded);
    throw error;
  }
}
