/** Ops that read or write at places given by a tensor of indices. */
import { backend_util } from '@tensorflow/tfjs-core';
import { formatSpec, type Shape, sameShape, type TensorSpec } from '../../scheduler/tensor.js';
import {
  axisAttribute,
  choiceAttribute,
  elementAttribute,
  flagAttribute,
  integerAttribute,
  integersAttribute,
  optionalInteger,
} from './attributes.js';
import { moveCost, perInput } from './cost.js';
import { expect } from './mistake.js';
import type { OpDefinition } from './op.js';
import {
  ANY,
  expectDType,
  expectRank,
  expectSameDType,
  expectShape,
  FLOAT,
  INT,
  NUMERIC,
  spec,
  tensorInfo,
} from './specs.js';

const gather: OpDefinition = {
  name: 'GatherV2',
  inputs: ['x', 'indices'],
  infer(inputs, attributes) {
    const x = inputs['x']!;
    const indices = inputs['indices']!;
    expectDType(indices, 'indices', INT);
    const axis = axisAttribute(attributes, 'axis', x.shape.length);
    const batchDims = optionalInteger(attributes, 'batchDims', 0, 0);
    const { outputShape } = backend_util.segment_util.collectGatherOpShapeInfo(
      tensorInfo(x) as never,
      tensorInfo(indices) as never,
      axis,
      batchDims,
    );
    return [spec(x.dtype, outputShape)];
  },
  cost: moveCost,
};

const gatherNd: OpDefinition = {
  name: 'GatherNd',
  inputs: ['params', 'indices'],
  infer(inputs) {
    const params = inputs['params']!;
    const indices = inputs['indices']!;
    expectDType(indices, 'indices', INT);
    const [shape] = backend_util.prepareAndValidate(tensorInfo(params), tensorInfo(indices));
    return [spec(params.dtype, shape)];
  },
  cost: moveCost,
};

/** Checks that each index of `indices` names a place in `target` that one slice of `updates` fills. */
function expectUpdatesFit(target: Shape, indices: TensorSpec, updates: TensorSpec): void {
  expectDType(indices, 'indices', INT);
  const depth = indices.shape.length > 1 ? indices.shape.at(-1)! : 1;
  expect(depth <= target.length, `indices of depth ${target.length} at most`, formatSpec(indices));
  const places = indices.shape.length > 1 ? indices.shape.slice(0, -1) : indices.shape;
  expectShape(updates, 'updates', [...places, ...target.slice(depth)]);
}

const scatterNd: OpDefinition = {
  name: 'ScatterNd',
  inputs: ['indices', 'updates'],
  infer(inputs, attributes) {
    const updates = inputs['updates']!;
    const shape = integersAttribute(attributes, 'shape', 0);
    expectUpdatesFit(shape, inputs['indices']!, updates);
    return [spec(updates.dtype, shape)];
  },
  cost: perInput('updates'),
};

const tensorScatterUpdate: OpDefinition = {
  name: 'TensorScatterUpdate',
  inputs: ['tensor', 'indices', 'updates'],
  infer(inputs) {
    const tensor = inputs['tensor']!;
    expectSameDType([tensor, inputs['updates']!]);
    expectUpdatesFit(tensor.shape, inputs['indices']!, inputs['updates']!);
    return [spec(tensor.dtype, tensor.shape)];
  },
  cost: moveCost,
};

/** Values may be a scalar that goes to every place. */
const sparseToDense: OpDefinition = {
  name: 'SparseToDense',
  inputs: ['sparseIndices', 'sparseValues', 'defaultValue'],
  infer(inputs, attributes) {
    const values = inputs['sparseValues']!;
    const indices = inputs['sparseIndices']!;
    expectSameDType([values, inputs['defaultValue']!]);
    expectDType(indices, 'sparseIndices', INT);
    expectShape(inputs['defaultValue']!, 'defaultValue', []);
    const shape = integersAttribute(attributes, 'outputShape', 0);
    const [places = 1, depth = 1] = indices.shape;
    expect(indices.shape.length <= 2, 'sparseIndices of rank 2 at most', formatSpec(indices));
    expect(depth === shape.length, `sparseIndices of depth ${shape.length}`, formatSpec(indices));
    if (values.shape.length > 0) expectShape(values, 'sparseValues', [places]);
    return [spec(values.dtype, shape)];
  },
  cost: moveCost,
};

/** The new shape is data, but its length is known. */
const sparseReshape: OpDefinition = {
  name: 'SparseReshape',
  inputs: ['inputIndices', 'inputShape', 'newShape'],
  infer(inputs) {
    const indices = inputs['inputIndices']!;
    for (const [name, input] of Object.entries(inputs)) expectDType(input, name, INT);
    expectRank(indices, 'inputIndices', 2);
    expectShape(inputs['inputShape']!, 'inputShape', [indices.shape[1]!]);
    expectRank(inputs['newShape']!, 'newShape', 1);
    const [rank] = inputs['newShape']!.shape;
    return [spec('int32', [indices.shape[0]!, rank!]), spec('int32', [rank!])];
  },
  cost: perInput('inputIndices'),
};

const oneHot: OpDefinition = {
  name: 'OneHot',
  inputs: ['indices'],
  infer(inputs, attributes) {
    const indices = inputs['indices']!;
    expectDType(indices, 'indices', INT);
    const dtype = choiceAttribute(attributes, 'dtype', ANY);
    for (const name of ['onValue', 'offValue']) elementAttribute(attributes, name, dtype);
    return [spec(dtype, [...indices.shape, integerAttribute(attributes, 'depth', 0)])];
  },
  cost: moveCost,
};

/** The kernel multiplies by a float32 mask, so that integers come out as float32 too. */
const unsortedSegmentSum: OpDefinition = {
  name: 'UnsortedSegmentSum',
  inputs: ['x', 'segmentIds'],
  infer(inputs, attributes) {
    const x = inputs['x']!;
    expect(x.shape.length >= 1, 'x of rank 1 or more', formatSpec(x));
    expectDType(x, 'x', NUMERIC);
    expectDType(inputs['segmentIds']!, 'segmentIds', INT);
    expectShape(inputs['segmentIds']!, 'segmentIds', x.shape.slice(0, 1));
    return [spec('float32', x.shape.with(0, integerAttribute(attributes, 'numSegments', 1)))];
  },
  cost: perInput('x'),
};

/** Checks counted values and their weights, which may be empty. */
function expectCounted(x: TensorSpec, weights: TensorSpec): void {
  expectDType(x, 'x', INT);
  expectDType(weights, 'weights', NUMERIC);
  const isEmpty = weights.shape.includes(0);
  const expected = `weights that are empty or of the shape of x [${x.shape.join(',')}]`;
  expect(isEmpty || sameShape(weights.shape, x.shape), expected, formatSpec(weights));
}

const bincount: OpDefinition = {
  name: 'Bincount',
  inputs: ['x', 'weights'],
  infer(inputs, attributes) {
    expectRank(inputs['x']!, 'x', 1);
    expectCounted(inputs['x']!, inputs['weights']!);
    return [spec(inputs['weights']!.dtype, [integerAttribute(attributes, 'size', 0)])];
  },
  cost: perInput('x'),
};

/** A matrix is counted row by row. */
const denseBincount: OpDefinition = {
  name: 'DenseBincount',
  inputs: ['x', 'weights'],
  infer(inputs, attributes) {
    const x = inputs['x']!;
    const rank = x.shape.length;
    expect(rank === 1 || rank === 2, 'x of rank 1 or 2', formatSpec(x));
    expectCounted(x, inputs['weights']!);
    flagAttribute(attributes, 'binaryOutput');
    return [spec(inputs['weights']!.dtype, x.shape.with(-1, integerAttribute(attributes, 'size', 0)))];
  },
  cost: perInput('x'),
};

const searchSorted: OpDefinition = {
  name: 'SearchSorted',
  inputs: ['sortedSequence', 'values'],
  infer(inputs, attributes) {
    const sequence = inputs['sortedSequence']!;
    const values = inputs['values']!;
    expectDType(sequence, 'sortedSequence', NUMERIC);
    expectSameDType([sequence, values]);
    expectRank(sequence, 'sortedSequence', 2);
    expectRank(values, 'values', 2);
    expect(values.shape[0] === sequence.shape[0], `values of ${sequence.shape[0]} rows`, formatSpec(values));
    choiceAttribute(attributes, 'side', ['left', 'right']);
    return [spec('int32', values.shape)];
  },
};

const topK: OpDefinition = {
  name: 'TopK',
  inputs: ['x'],
  infer(inputs, attributes) {
    const x = inputs['x']!;
    expectDType(x, 'x', NUMERIC);
    expect(x.shape.length >= 1, 'x of rank 1 or more', formatSpec(x));
    const last = x.shape.at(-1)!;
    const k = integerAttribute(attributes, 'k', 0);
    expect(k <= last, `attribute k of ${last} at most`, k);
    flagAttribute(attributes, 'sorted');
    const shape = x.shape.with(-1, k);
    return [spec(x.dtype, shape), spec('int32', shape)];
  },
  cost: perInput('x'),
};

const multinomial: OpDefinition = {
  name: 'Multinomial',
  inputs: ['logits'],
  infer(inputs, attributes) {
    const logits = inputs['logits']!;
    expectDType(logits, 'logits', FLOAT);
    expectRank(logits, 'logits', 2);
    expect(logits.shape[1] !== 0, 'logits of 1 class or more', formatSpec(logits));
    integerAttribute(attributes, 'numSamples', 0);
    flagAttribute(attributes, 'normalized');
    return [spec('int32', logits.shape.with(1, integerAttribute(attributes, 'numSamples', 0)))];
  },
  cost: perInput('logits'),
};

export const INDEXING: readonly OpDefinition[] = [
  gather,
  gatherNd,
  scatterNd,
  tensorScatterUpdate,
  sparseToDense,
  sparseReshape,
  oneHot,
  unsortedSegmentSum,
  bincount,
  denseBincount,
  searchSorted,
  topK,
  multinomial,
];
