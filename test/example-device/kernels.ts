/** Kernels of the example: functions from the inputs' elements to the output's. */
import type { ProgramNode } from '../../runtime/device.js';

export type Compute = (inputs: readonly Float32Array[], output: Float32Array) => void;

const UNARY: Readonly<Record<string, (x: number) => number>> = {
  Neg: (x) => -x,
  Relu: (x) => Math.max(0, x),
  Tanh: Math.tanh,
};

const BINARY: Readonly<Record<string, (a: number, b: number) => number>> = {
  Add: (a, b) => a + b,
  Multiply: (a, b) => a * b,
};

/** `a` of n × k elements times `b` of k × m. */
function matMul(n: number, k: number, m: number): Compute {
  return ([a, b], output) => {
    for (let row = 0; row < n; row++) {
      for (let column = 0; column < m; column++) {
        let sum = 0;
        for (let inner = 0; inner < k; inner++) sum += a![row * k + inner]! * b![inner * m + column]!;
        output[row * m + column] = sum;
      }
    }
  };
}

/** The kernel of a node; `undefined` for what this device does not compute, be it the op, a dtype, shapes or attributes. */
export function kernelOf({ op, inputSpecs, outputSpecs, attributes }: ProgramNode): Compute | undefined {
  const specs = [...inputSpecs, ...outputSpecs];
  if (specs.some(({ dtype }) => dtype !== 'float32')) return undefined;
  const sameShapes = specs.every(({ shape }) => `${shape}` === `${specs[0]!.shape}`);
  const unary = Object.hasOwn(UNARY, op) ? UNARY[op] : undefined;
  if (unary !== undefined)
    return ([x], output) => {
      for (let index = 0; index < output.length; index++) output[index] = unary(x![index]!);
    };
  const binary = Object.hasOwn(BINARY, op) ? BINARY[op] : undefined;
  if (binary !== undefined && sameShapes)
    return ([a, b], output) => {
      for (let index = 0; index < output.length; index++) output[index] = binary(a![index]!, b![index]!);
    };
  const [a, b] = inputSpecs.map(({ shape }) => shape);
  const isProduct = op === 'BatchMatMul' && a?.length === 2 && b?.length === 2;
  if (isProduct && attributes['transposeA'] !== true && attributes['transposeB'] !== true)
    return matMul(a[0]!, a[1]!, b[1]!);
  return undefined;
}
