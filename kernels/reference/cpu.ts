/** TensorFlow.js's plain JavaScript kernels, callable one by one. Loaded when first needed. */
import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';
import type { ProgramNode } from '../../scheduler/kernel.js';
import { allocateData, elementCount, type TensorData, type TensorSpec } from '../../scheduler/tensor.js';

type CpuModule = typeof import('@tensorflow/tfjs-backend-cpu');
type CpuBackend = InstanceType<CpuModule['MathBackendCPU']>;

/** Inputs as kernels take them: by name, or as an array for variadic ops. */
export type KernelInputs = Record<string, tf.TensorInfo> | tf.TensorInfo[];

function loadCpu(): CpuModule {
  return createRequire(import.meta.url)('@tensorflow/tfjs-backend-cpu');
}

/** The cpu kernel of an op, or `undefined` where there is none. */
export function cpuKernel(op: string): tf.KernelFunc | undefined {
  loadCpu();
  return tf.getKernel(op, 'cpu')?.kernelFunc;
}

/** A cpu backend of our own: not in any registry, without a greeting, and its tensors belong to nobody's scope. */
export function createCpuBackend(): CpuBackend {
  const backend = new (loadCpu().MathBackendCPU)();
  Object.assign(backend, {
    // Set while a greeting on the console is due.
    firstUse: false,
    // The original hands the tensor to the caller's engine, which then counts it as the caller's leak.
    makeOutput: (values: tf.backend_util.TypedArray, shape: number[], dtype: tf.DataType) =>
      backend.makeTensorInfo(shape, dtype, values),
  });
  return backend;
}

/** Registers data on a cpu backend; the backend keeps `data` itself. */
export function toCpu(backend: CpuBackend, spec: TensorSpec, data: TensorData): tf.TensorInfo {
  return backend.makeTensorInfo([...spec.shape], spec.dtype, data);
}

/** A cpu tensor's elements in the container of its dtype. Some kernels leave another one behind. */
export function fromCpu(backend: CpuBackend, info: tf.TensorInfo): TensorData {
  const { dtype } = info;
  if (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'bool') {
    throw new TypeError(`expected a float32, int32 or bool tensor, received ${dtype}`);
  }
  const values = backend.readSync(info.dataId) as ArrayLike<number>;
  const data = allocateData(dtype, elementCount(info.shape));
  if (data.constructor === values.constructor) return values as TensorData;
  data.set(values);
  return data;
}

/** Inputs of a node as its kernel takes them. */
export function kernelInputs(node: ProgramNode, tensors: readonly tf.TensorInfo[]): KernelInputs {
  if (node.inputNames[0] === '0') return [...tensors];
  return Object.fromEntries(node.inputNames.map((name, index) => [name, tensors[index]!]));
}

/** Attributes as kernels take them, a copy that they may change. */
export function kernelAttributes(node: ProgramNode): tf.NamedAttrMap {
  return structuredClone(node.attributes) as tf.NamedAttrMap;
}

/** Runs a kernel and returns its outputs. */
export function callKernel(
  kernel: tf.KernelFunc,
  backend: object,
  inputs: KernelInputs,
  attrs: tf.NamedAttrMap,
): tf.TensorInfo[] {
  const result = kernel({ inputs: inputs as tf.NamedTensorInfoMap, attrs, backend });
  return Array.isArray(result) ? result : [result];
}
