/** Normalisation over batches and over neighbouring channels. */
import type { Attributes } from '../../scheduler/graph.js';
import { elementCount, formatSpec, type TensorSpec } from '../../scheduler/tensor.js';
import { hasAttribute, integerAttribute, numberAttribute } from './attributes.js';
import { expect } from './mistake.js';
import type { OpDefinition } from './op.js';
import { expectDType, expectRank, expectShape, FLOAT, runsAlongEnd, spec } from './specs.js';

const STATISTICS = ['mean', 'variance', 'scale', 'offset'] as const;

/** Checks that kernels, which start over with a statistic when it ends, find the right element of it. */
function expectStatistic(input: TensorSpec, name: string, mean: TensorSpec, x: TensorSpec): void {
  expectDType(input, name, FLOAT);
  expectRank(input, name, mean.shape.length);
  const fits = input.shape.length <= x.shape.length && runsAlongEnd(input.shape, x.shape);
  expect(fits, `${name} along the last dimensions of ${formatSpec(x)}`, formatSpec(input));
}

const fusedBatchNorm: OpDefinition = {
  name: 'FusedBatchNorm',
  inputs: ['x', 'mean', 'variance'],
  optionalInputs: ['scale', 'offset'],
  infer(inputs, attributes) {
    const x = inputs['x']!;
    expectDType(x, 'x', FLOAT);
    for (const name of STATISTICS) {
      const input = inputs[name];
      if (input !== undefined) expectStatistic(input, name, inputs['mean']!, x);
    }
    if (hasAttribute(attributes, 'varianceEpsilon')) numberAttribute(attributes, 'varianceEpsilon');
    return [spec('float32', x.shape)];
  },
  // Subtract the mean, divide by the deviation, scale, offset.
  cost: (inputs) => ({ operations: 4 * elementCount(inputs['x']!.shape) }),
};

function checkLrnAttributes(attributes: Attributes): number {
  for (const name of ['bias', 'alpha', 'beta']) numberAttribute(attributes, name);
  return integerAttribute(attributes, 'depthRadius', 0);
}

/** Local response normalisation or its gradient: every input has the shape of `x`. */
function lrn(name: string, inputNames: readonly string[]): OpDefinition {
  return {
    name,
    inputs: inputNames,
    infer(inputs, attributes) {
      const x = inputs['x']!;
      expectRank(x, 'x', 4);
      for (const input of inputNames) {
        expectDType(inputs[input]!, input, FLOAT);
        expectShape(inputs[input]!, input, x.shape);
      }
      checkLrnAttributes(attributes);
      return [spec('float32', x.shape)];
    },
    // A square and a sum for each neighbour.
    cost: (inputs, _outputs, attributes) => ({
      operations: 2 * (2 * checkLrnAttributes(attributes) + 1) * elementCount(inputs['x']!.shape),
    }),
  };
}

export const NORMALISATION: readonly OpDefinition[] = [
  fusedBatchNorm,
  lrn('LRN', ['x']),
  lrn('LRNGrad', ['x', 'y', 'dy']),
];
