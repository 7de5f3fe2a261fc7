/** Runs single TensorFlow.js kernels, to hold the op table and Curfew's devices against them. */
import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import type { Tensor } from '../../scheduler/tensor.js';
import type { Backend, OpCase } from './op-cases.js';

/** Makes a backend ready for `runKernel`. */
export async function startBackend(backend: Backend): Promise<void> {
  await tf.setBackend(backend);
  await tf.ready();
}

/** Names of the kernels a backend registers. */
export function kernelNames(backend: Backend): string[] {
  return tf.getKernelsForBackend(backend).map(({ kernelName }) => kernelName);
}

/** Whether a backend has a kernel. */
export function hasKernel(op: string, backend: Backend): boolean {
  return tf.getKernel(op, backend) != null;
}

/** Runs a case's kernel on a backend and reads its outputs. */
export function runKernel(
  { op, attributes }: Pick<OpCase, 'op' | 'attributes'>,
  inputs: Readonly<Record<string, Tensor>>,
  name: Backend,
): Tensor[] {
  const backend = tf.findBackend(name) as tf.KernelBackend;
  return callKernel(tf.getKernel(op, name).kernelFunc, backend, attributes, inputs);
}

/** TensorFlow.js leaves attributes out; what is `null` comes from files. */
function withoutNull(attributes: OpCase['attributes']): OpCase['attributes'] {
  return Object.fromEntries(Object.entries(attributes).filter(([, value]) => value !== null));
}

function callKernel(
  kernel: tf.KernelFunc,
  backend: tf.KernelBackend,
  attributes: OpCase['attributes'],
  inputs: Readonly<Record<string, Tensor>>,
): Tensor[] {
  const infos = Object.entries(inputs).map(([key, { data, dtype, shape }]): [string, tf.TensorInfo] => {
    const copy = [...shape];
    // Some kernels take inputs for tensors and read their rank.
    const info = { dataId: backend.write(data.slice(), copy, dtype), dtype, shape: copy, rank: copy.length };
    return [key, info];
  });
  const isVariadic = '0' in inputs;
  const kernelInputs = isVariadic ? infos.map(([, info]) => info) : Object.fromEntries(infos);
  const result = kernel({
    inputs: kernelInputs as tf.NamedTensorInfoMap,
    attrs: structuredClone(withoutNull(attributes)) as unknown as tf.NamedAttrMap,
    backend,
  });
  return [result].flat().map((info) => ({
    dtype: info.dtype as Tensor['dtype'],
    shape: info.shape,
    data: backend.readSync(info.dataId) as Tensor['data'],
  }));
}

/**
 * Runs a case's kernel on a cpu backend of its own, which goes with all that the kernel leaves behind. `undefined`
 * where there is no such kernel.
 */
export function runOnCpu(
  { op, attributes }: Pick<OpCase, 'op' | 'attributes'>,
  inputs: Readonly<Record<string, Tensor>>,
): Tensor[] | undefined {
  const kernel = tf.getKernel(op, 'cpu')?.kernelFunc;
  if (kernel === undefined) return undefined;
  const backend = new MathBackendCPU();
  // The backend would count its tensors in the caller's engine.
  backend.makeOutput = (values, shape, dtype) => backend.makeTensorInfo(shape, dtype, values) as never;
  return callKernel(kernel, Object.assign(backend, { firstUse: false }), attributes, inputs);
}
