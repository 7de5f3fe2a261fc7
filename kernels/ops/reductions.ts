/** Ops that combine the elements along axes, or accumulate over them. */
import { backend_util } from '@tensorflow/tfjs-core';
import type { Attributes } from '../../scheduler/graph.js';
import type { DType, Shape } from '../../scheduler/tensor.js';
import { axesAttribute, axisAttribute, flagAttribute, integerAttribute } from './attributes.js';
import { perInput } from './cost.js';
import { expect } from './mistake.js';
import type { OpDefinition } from './op.js';
import { ANY, BOOL, expectDType, FLOAT, spec } from './specs.js';

interface Options {
  readonly accepts?: readonly DType[];
  /** dtype of the result; the input's when left out. */
  readonly result?: (dtype: DType) => DType;
  /** Name of the attribute that holds the axes. */
  readonly axes?: string;
}

function reducedShape(shape: Shape, axes: readonly number[], attributes: Attributes): Shape {
  const [kept] = backend_util.computeOutAndReduceShapes([...shape], [...axes]);
  const keepDims = flagAttribute(attributes, 'keepDims');
  return keepDims ? backend_util.expandShapeToKeepDim(kept!, [...axes]) : kept!;
}

/** Reduction over any axes. */
function reduction(name: string, { accepts = ANY, result, axes = 'axis' }: Options = {}): OpDefinition {
  return {
    name,
    inputs: ['x'],
    infer(inputs, attributes) {
      const x = inputs['x']!;
      expectDType(x, 'x', accepts);
      const reduced = axesAttribute(attributes, axes, x.shape);
      return [spec(result?.(x.dtype) ?? x.dtype, reducedShape(x.shape, reduced, attributes))];
    },
    cost: perInput('x'),
  };
}

/** Index of an extreme along one axis. */
function argReduction(name: string): OpDefinition {
  return {
    name,
    inputs: ['x'],
    infer(inputs, attributes) {
      const x = inputs['x']!;
      const axis = axisAttribute(attributes, 'axis', x.shape.length);
      return [spec('int32', x.shape.toSpliced(axis, 1))];
    },
    cost: perInput('x'),
  };
}

/** Running sum or product; the kernels do not take a negative axis. */
function cumulation(name: string): OpDefinition {
  return {
    name,
    inputs: ['x'],
    infer(inputs, attributes) {
      const x = inputs['x']!;
      const axis = integerAttribute(attributes, 'axis', 0);
      expect(axis < x.shape.length, `attribute axis below the rank of x (${x.shape.length})`, axis);
      flagAttribute(attributes, 'exclusive');
      flagAttribute(attributes, 'reverse');
      return [spec(countable(x.dtype), x.shape)];
    },
  };
}

/** Kernels take the last axis only, counted from 0: the wasm kernel reads garbage with -1. */
const softmax: OpDefinition = {
  name: 'Softmax',
  inputs: ['logits'],
  infer(inputs, attributes) {
    const logits = inputs['logits']!;
    expectDType(logits, 'logits', FLOAT);
    const rank = logits.shape.length;
    const { dim } = attributes;
    expect(rank > 0 && dim === rank - 1, `attribute dim to be the last axis (${rank - 1})`, dim);
    return [spec('float32', logits.shape)];
  },
  // Maximum, difference, exponential, sum, quotient.
  cost: perInput('logits', 5),
};

/** Sums and products of booleans count. */
function countable(dtype: DType): DType {
  return dtype === 'bool' ? 'int32' : dtype;
}

export const REDUCTIONS: readonly OpDefinition[] = [
  reduction('All', { accepts: BOOL }),
  reduction('Any', { accepts: BOOL }),
  reduction('Max', { axes: 'reductionIndices' }),
  reduction('Mean', { result: () => 'float32' }),
  reduction('Min'),
  reduction('Prod', { result: countable }),
  reduction('Sum', { result: countable }),
  argReduction('ArgMax'),
  argReduction('ArgMin'),
  cumulation('Cumprod'),
  cumulation('Cumsum'),
  softmax,
];
