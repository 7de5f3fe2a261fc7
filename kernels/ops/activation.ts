/** What fused ops add to the plain ones: a bias and an activation. */
import type { Attributes } from '../../scheduler/graph.js';
import type { Shape, TensorSpec } from '../../scheduler/tensor.js';
import { choiceAttribute, numberAttribute } from './attributes.js';
import { expect } from './mistake.js';
import type { InputSpecs } from './op.js';
import { expectBroadcastTo, expectDType, expectShape, FLOAT } from './specs.js';

const ACTIVATIONS = ['linear', 'relu', 'relu6', 'elu', 'prelu', 'leakyrelu', 'sigmoid'] as const;

/** Optional inputs of every fused op. */
export const FUSED_INPUTS: readonly string[] = ['bias', 'preluActivationWeights'];

function expectPerChannel(input: TensorSpec, name: string, out: Shape, channelAxis: number): void {
  expectDType(input, name, FLOAT);
  const [length, ...rest] = input.shape;
  if (length === undefined || rest.length > 0) expectBroadcastTo(input, name, out);
  else if (length !== 1) expectShape(input, name, [out[channelAxis]!]);
}

/**
 * Checks bias, activation and its weights against the op's output.
 *
 * @param channelAxis the axis a vector of biases or weights runs along
 */
export function checkFusion(
  inputs: InputSpecs,
  attributes: Attributes,
  out: Shape,
  channelAxis = out.length - 1,
): void {
  const { bias, preluActivationWeights: weights } = inputs;
  if (bias !== undefined) expectPerChannel(bias, 'bias', out, channelAxis);
  const activation = choiceAttribute(attributes, 'activation', ACTIVATIONS);
  if (activation === 'leakyrelu') numberAttribute(attributes, 'leakyreluAlpha');
  if (activation === 'prelu') {
    expect(weights !== undefined, "input preluActivationWeights with activation 'prelu'", weights);
    expectPerChannel(weights, 'preluActivationWeights', out, channelAxis);
  } else {
    // The wasm kernels give memory as they find it then.
    expect(weights === undefined, "activation 'prelu' with input preluActivationWeights", activation);
  }
}
