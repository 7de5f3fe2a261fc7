/** The types of a traced function: its inputs, its result, and the graph's outputs that follow from it. */
import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D, Tensor5D } from '@tensorflow/tfjs-core';
import type { TensorSpec, TensorSpecs } from '../../scheduler/tensor.js';

interface TensorsByRank {
  0: Scalar;
  1: Tensor1D;
  2: Tensor2D;
  3: Tensor3D;
  4: Tensor4D;
  5: Tensor5D;
}

/** The TensorFlow.js tensor that stands for an input of this spec. */
export type TracedInput<Spec extends TensorSpec> = Spec['shape']['length'] extends keyof TensorsByRank
  ? TensorsByRank[Spec['shape']['length']]
  : Tensor;

/** What a traced function may return. */
export type TraceResult =
  | Tensor
  | readonly Tensor[]
  | { readonly [output: string]: Tensor | readonly Tensor[] };

/** A function that can be traced. */
export type TraceFunction<Inputs extends TensorSpecs, Result extends TraceResult = TraceResult> = (
  inputs: {
    readonly [Name in keyof Inputs]: TracedInput<Inputs[Name]>;
  },
) => Result;

/** Names of the outputs that stand under one key: the key itself, or numbered names where an array stands. */
type NamesUnder<Key extends string, Value> = Value extends readonly unknown[]
  ? `${Key}_${number extends Value['length'] ? number : keyof Value & `${number}`}`
  : Key;

type OutputNames<Result> = Result extends Tensor | readonly unknown[]
  ? NamesUnder<'output', Result>
  : { [Key in keyof Result & string]: NamesUnder<Key, Result[Key]> }[keyof Result & string];

/**
 * The outputs of the graph of a function that returns this: `output` for a tensor, `output_0`, … for an array, the keys
 * of a record (`key_0`, … where an array stands). Where the type leaves open what is returned (`Tensor | Tensor[]`), it
 * has the names of all cases.
 */
export type TracedOutputs<Result extends TraceResult> = {
  readonly [Name in OutputNames<Result>]: TensorSpec;
};
