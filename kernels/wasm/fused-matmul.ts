/** `_FusedMatMul` put together from other kernels, for the cases that wasm's own computes wrong. */
import type {
  KernelConfig,
  KernelFunc,
  NamedAttrMap,
  NamedTensorInfoMap,
  TensorInfo,
} from '@tensorflow/tfjs-core';
import type { ProgramNode } from '../../scheduler/kernel.js';

const ACTIVATION_KERNELS: Readonly<Record<string, string>> = {
  elu: 'Elu',
  leakyrelu: 'LeakyRelu',
  prelu: 'Prelu',
  relu: 'Relu',
  relu6: 'Relu6',
  sigmoid: 'Sigmoid',
};

/**
 * Whether wasm's own kernel is right: for batches and transposed matrices it adds the wrong element of the bias, and
 * applies bias and activation once per block of 48 in the inner dimension; and it reads a bias beyond its end.
 */
export function isFusedMatMulCorrect(node: ProgramNode): boolean {
  const [a, b] = node.inputSpecs;
  const { transposeA, transposeB, activation } = node.attributes;
  const bias = node.inputSpecs[node.inputNames.indexOf('bias')];
  const isPlain = !transposeA && !transposeB && a!.shape[0] === 1 && b!.shape[0] === 1;
  if (!isPlain) return bias === undefined && (activation === 'linear' || activation === undefined);
  return bias === undefined || (bias.shape.length === 1 && bias.shape[0] === b!.shape[2]);
}

/**
 * A kernel function that multiplies, adds and activates one after the other. The caller frees what is between.
 *
 * It calls kernels past the rules of `support.ts`, which hold all the same: operands are float32 of rank 3, so that of a batch
 * of one and a longer one each repeats as it lies, and weights that run along the end are a rule for the node as well.
 */
export function composeFusedMatMul(kernels: ReadonlyMap<string, KernelConfig>): KernelFunc {
  return ({ inputs, backend, attrs }) => {
    const call = (op: string, operands: Record<string, TensorInfo>, attributes: Record<string, unknown>) =>
      kernels.get(op)!.kernelFunc({
        inputs: operands as NamedTensorInfoMap,
        attrs: attributes as NamedAttrMap,
        backend,
      }) as TensorInfo;
    const { a, b, bias, preluActivationWeights } = inputs as Record<string, TensorInfo>;
    const {
      transposeA = false,
      transposeB = false,
      activation,
      leakyreluAlpha,
    } = attrs as Record<string, unknown>;
    let result = call('BatchMatMul', { a: a!, b: b! }, { transposeA, transposeB });
    if (bias !== undefined) result = call('Add', { a: result, b: bias }, {});
    const op = ACTIVATION_KERNELS[String(activation)];
    if (op === undefined) return result;
    const weights = preluActivationWeights === undefined ? {} : { alpha: preluActivationWeights };
    return call(op, { x: result, ...weights }, { alpha: leakyreluAlpha });
  };
}
