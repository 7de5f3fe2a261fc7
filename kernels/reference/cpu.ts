/** TensorFlow.js's plain JavaScript kernels, as functions from tensors to tensors. Loaded when first needed. */
import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';
import { invariant } from '../../scheduler/errors.js';
import type { ProgramNode } from '../../scheduler/kernel.js';
import { allocateData, type Tensor, type TensorData } from '../../scheduler/tensor.js';
import { isWithoutElements } from '../ops/excluded.js';
import { kernelAttributes } from '../ops/kernel-attributes.js';
import { checkProduced } from '../ops/produced.js';
import { valueCheck } from '../ops/value-check.js';
import { correction, type Evaluate } from './corrections.js';

type CpuModule = typeof import('@tensorflow/tfjs-backend-cpu');
type CpuBackend = InstanceType<CpuModule['MathBackendCPU']>;

/** Inputs as kernels take them: by name, or as an array for variadic ops. */
type KernelInputs = Record<string, tf.TensorInfo> | readonly tf.TensorInfo[];

const require = createRequire(import.meta.url);

function loadCpu(): CpuModule {
  return require('@tensorflow/tfjs-backend-cpu');
}

/** The cpu kernel of an op, or `undefined` where there is none. */
function cpuKernel(op: string): tf.KernelFunc | undefined {
  loadCpu();
  return tf.getKernel(op, 'cpu')?.kernelFunc;
}

/**
 * The node as a function of its inputs, in order; `undefined` where there is no cpu kernel for its op. It may keep or
 * change the inputs' data (`TensorScatterUpdate` does), and its outputs may share memory with them. It throws
 * KERNEL_FAILED for indices out of range, for sizes beyond those declared, and for outputs other than the node's specs
 * promise.
 */
export function prepareOnCpu(node: ProgramNode): Evaluate | undefined {
  const compute = correction(node, runKernel) ?? plainKernel(node);
  if (compute === undefined) return undefined;
  const evaluate = withoutElements(node) ?? compute;
  const check = valueCheck(node);
  return (inputs) => {
    check?.((input) => inputs[node.inputNames.indexOf(input)]!.data as Int32Array);
    const outputs = evaluate(inputs).map(asTruths);
    checkProduced(node, outputs, ({ data }) => data.byteLength);
    return outputs;
  };
}

/** Kernels that add booleans up leave numbers. */
function asTruths(output: Tensor): Tensor {
  if (output.dtype !== 'bool' || output.data.every((element) => element <= 1)) return output;
  return { ...output, data: Uint8Array.from(output.data, (element) => Number(element !== 0)) };
}

function withoutElements(node: ProgramNode): Evaluate | undefined {
  if (!isWithoutElements(node)) return undefined;
  return () => node.outputSpecs.map((spec) => ({ ...spec, data: allocateData(spec.dtype, 0) }));
}

function plainKernel(node: ProgramNode): Evaluate | undefined {
  return cpuKernel(node.op) === undefined ? undefined : (inputs) => runKernel(node, inputs);
}

/** Runs the kernel of a node's op. */
function runKernel(node: ProgramNode, inputs: readonly Tensor[]): Tensor[] {
  const kernel = cpuKernel(node.op);
  invariant(kernel !== undefined, `${node.op} has a cpu kernel`);
  // One per call: whatever the kernel leaves behind goes with it.
  const cpu = withoutEngine(new (loadCpu().MathBackendCPU)());
  const infos = inputs.map((input) => toInfo(cpu, input));
  const outputs = callKernel(kernel, cpu, kernelInputs(node, infos), kernelAttributes(node));
  return outputs.slice(0, Math.max(1, node.outputs.length)).map((output) => fromInfo(cpu, output));
}

/** Keeps a cpu backend from greeting on the console and from counting its tensors in the caller's engine. */
function withoutEngine(backend: CpuBackend): CpuBackend {
  return Object.assign(backend, {
    firstUse: false,
    makeOutput: (values: tf.backend_util.TypedArray, shape: number[], dtype: tf.DataType) =>
      backend.makeTensorInfo(shape, dtype, values),
  });
}

function toInfo(backend: CpuBackend, { dtype, shape, data }: Tensor): tf.TensorInfo {
  const info = backend.makeTensorInfo([...shape], dtype, data);
  // Some kernels take what they get for a whole tensor and ask for its rank.
  return Object.assign(info, { rank: shape.length });
}

/** A cpu tensor's elements, as many as there are, in the container of its dtype. Some kernels leave another one behind. */
function fromInfo(backend: CpuBackend, { dataId, dtype, shape }: tf.TensorInfo): Tensor {
  if (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'bool') {
    throw new TypeError(`expected a float32, int32 or bool tensor, received ${dtype}`);
  }
  const values = backend.readSync(dataId) as ArrayLike<number>;
  const data = allocateData(dtype, values.length);
  if (data.constructor === values.constructor) return { dtype, shape, data: values as TensorData };
  data.set(values);
  return { dtype, shape, data };
}

/** Inputs of a node, given in the order of its names. */
function kernelInputs({ inputNames }: ProgramNode, tensors: readonly tf.TensorInfo[]): KernelInputs {
  if (inputNames[0] === '0') return [...tensors];
  const inputs: Record<string, tf.TensorInfo> = {};
  for (let index = 0; index < inputNames.length; index++) inputs[inputNames[index]!] = tensors[index]!;
  return inputs;
}

/** Runs a kernel and returns its outputs. */
function callKernel(
  kernel: tf.KernelFunc,
  backend: object,
  inputs: KernelInputs,
  attrs: tf.NamedAttrMap,
): tf.TensorInfo[] {
  const result = kernel({ inputs: inputs as tf.NamedTensorInfoMap, attrs, backend });
  return Array.isArray(result) ? result : [result];
}
