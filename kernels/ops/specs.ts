/** Checks on the specs of inputs, and small constructors for the specs of outputs. */
import { backend_util, type TensorInfo } from '@tensorflow/tfjs-core';
import { type DType, formatSpec, type Shape, sameShape, type TensorSpec } from '../../scheduler/tensor.js';
import { expect } from './mistake.js';
import type { InputSpecs } from './op.js';

export type Shape3 = [number, number, number];
export type Shape4 = [number, number, number, number];
export type Shape5 = [number, number, number, number, number];

/** dtypes arithmetic is defined for. */
export const NUMERIC: readonly DType[] = ['float32', 'int32'];
export const FLOAT: readonly DType[] = ['float32'];
export const INT: readonly DType[] = ['int32'];
export const BOOL: readonly DType[] = ['bool'];
export const ANY: readonly DType[] = ['float32', 'int32', 'bool'];

/** The spec of an output. */
export function spec(dtype: DType, shape: Shape): TensorSpec {
  return { dtype, shape };
}

/** The inputs of a variadic op, in order. */
export function inputList(inputs: InputSpecs): readonly TensorSpec[] {
  return Object.keys(inputs).map((_, index) => inputs[index]!);
}

/** Checks an input's dtype. */
export function expectDType(input: TensorSpec, name: string, accepted: readonly DType[]): void {
  expect(accepted.includes(input.dtype), `${name} of dtype ${accepted.join(' or ')}`, formatSpec(input));
}

/** Checks that inputs share one dtype: kernels read both as the first one's and would compute garbage. */
export function expectSameDType(inputs: readonly TensorSpec[]): void {
  const [first] = inputs;
  const other = inputs.find((input) => input.dtype !== first!.dtype);
  if (other !== undefined) expect(false, `inputs of one dtype (${first!.dtype})`, formatSpec(other));
}

/** Checks an input's rank. */
export function expectRank(input: TensorSpec, name: string, rank: number): void {
  expect(input.shape.length === rank, `${name} of rank ${rank}`, formatSpec(input));
}

/** Checks an input's shape. */
export function expectShape(input: TensorSpec, name: string, shape: Shape): void {
  expect(sameShape(input.shape, shape), `${name} of shape [${shape.join(',')}]`, formatSpec(input));
}

/** The shape both broadcast to. */
export function broadcastShape(a: Shape, b: Shape): Shape {
  if (sameShape(a, b)) return a;
  return backend_util.assertAndGetBroadcastShape([...a], [...b]);
}

/** Checks that an input broadcasts to a shape without growing it. */
export function expectBroadcastTo(input: TensorSpec, name: string, shape: Shape): void {
  const fits = input.shape.length <= shape.length && sameShape(broadcastShape(input.shape, shape), shape);
  expect(fits, `${name} to broadcast to [${shape.join(',')}]`, formatSpec(input));
}

/** Whether `weights`, leading ones aside, are the last dimensions of `shape`: then they repeat over it as they lie. */
export function runsAlongEnd(weights: Shape, shape: Shape): boolean {
  const first = weights.findIndex((length) => length !== 1);
  const suffix = first < 0 ? [] : weights.slice(first);
  return suffix.length <= shape.length && sameShape(suffix, shape.slice(shape.length - suffix.length));
}

/** The shape of an input of rank 3. */
export function shape3(input: TensorSpec, name: string): Shape3 {
  expectRank(input, name, 3);
  return [...input.shape] as Shape3;
}

/** The shape of an input of rank 4. */
export function shape4(input: TensorSpec, name: string): Shape4 {
  expectRank(input, name, 4);
  return [...input.shape] as Shape4;
}

/** The shape of an input of rank 5. */
export function shape5(input: TensorSpec, name: string): Shape5 {
  expectRank(input, name, 5);
  return [...input.shape] as Shape5;
}

/** A spec in the clothes TensorFlow.js's shape helpers want; they never look at the data. */
export function tensorInfo(input: TensorSpec): TensorInfo {
  return { dataId: input, dtype: input.dtype, shape: [...input.shape] };
}
