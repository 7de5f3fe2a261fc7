import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { trace } from '../runtime/trace.js';
import type { TensorSpec } from '../scheduler/tensor.js';
import { rejection } from './support/catch-error.js';
import { smallGraphModel } from './support/graph-model.js';

const inputs = { x: { dtype: 'float32', shape: [3] } } as const;

/** Traces what the types would not let pass. */
const traceAny = (fn: (...args: never[]) => unknown, specs: unknown = inputs) =>
  trace(fn as never, specs as Record<string, TensorSpec>);

describe('a traced function that takes the record of its inputs for a tensor', () => {
  it.each<[string, (x: never) => unknown]>([
    ['calls a method of it', (x: { add(value: number): unknown }) => x.add(1)],
    ['hands it to an op', (x: tf.Tensor) => tf.add(x, 1)],
    ['takes it for an array', ([x]: tf.Tensor[]) => tf.neg(x!)],
    ['returns it as an output', (x: tf.Tensor) => ({ y: x })],
    ['returns a member of it', (x: tf.Tensor) => x.shape],
  ])('and %s is told how to write it', async (_, fn) => {
    const error = await rejection(traceAny(fn));
    expect(error.code).toBe('INVALID_TRACE');
    expect(error.message).toContain('such as ({ x }) => …');
    expect(error.cause).toBeInstanceOf(Error);
  });

  it('and hands it to a model is told so, too', async () => {
    const model = layers.sequential({ layers: [layers.layers.dense({ inputShape: [3], units: 1 })] });
    const error = await rejection(traceAny((x: tf.Tensor) => model.predict(x)));
    expect(error.message).toContain('such as ({ x }) => …');
    model.dispose();
  });

  it('sees a few of the names when there are many', async () => {
    const specs = Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [name, inputs.x]));
    const error = await rejection(traceAny((x: tf.Tensor) => tf.neg(x), specs));
    expect(error.message).toContain('({ a, b, c, … }) => …');
  });
});

describe('an error of TensorFlow.js that says too little', () => {
  it('about a gradient is told with the import that registers it', async () => {
    const gradient = tf.getGradient('Mean');
    tf.unregisterGradient('Mean');
    try {
      const error = await rejection(traceAny(({ x }: { x: tf.Tensor }) => tf.grad((v) => tf.mean(v))(x)));
      expect(error.code).toBe('INVALID_TRACE');
      expect(error.message).toContain("not found for Mean; import '@tensorflow/tfjs-layers' or");
      expect(error.cause).toBeInstanceOf(Error);
    } finally {
      tf.registerGradient(gradient);
    }
  });

  it('about names of a GraphModel is told with how to give it its inputs', async () => {
    const model = await smallGraphModel();
    const specs = { image: { dtype: 'float32', shape: [2, 3] } };
    const error = await rejection(traceAny((given: tf.NamedTensorMap) => model.predict(given), specs));
    expect(error.code).toBe('INVALID_TRACE');
    expect(error.message).toMatch(/keys: \[image\] .*; name the inputs of trace\(\) as model\.inputs does/);
    expect(error.cause).toBeInstanceOf(Error);
    model.dispose();
  });

  it.each<[string, (a: { a: tf.Tensor }, b: { b: tf.Tensor }) => unknown]>([
    ['taken apart', ({ a }, { b }) => tf.add(a, b)],
    ['looked into', ({ a }, given) => tf.add(a, given.b)],
  ])('about a second parameter that is %s is told that there is one', async (_, fn) => {
    const error = await rejection(traceAny(fn, { a: inputs.x, b: inputs.x }));
    expect(error.code).toBe('INVALID_TRACE');
    expect(error.message).toContain('write ({ a, b }) => …');
    expect(error.cause).toBeInstanceOf(TypeError);
  });
});

describe('an error of the traced function itself', () => {
  const boom = new Error('boom');
  const fail = () => {
    throw boom;
  };
  it.each<[string, (given: never) => unknown]>([
    ['before it looks at anything', fail],
    ['after it has read an input', ({ x }: { x: tf.Tensor }) => x.rank === 1 && fail()],
    ['with an optional input left out', ({ y = 0, x }: Record<string, unknown>) => [x, y].length && fail()],
    ['after it has listed its inputs', (given: object) => Object.keys(given).length && fail()],
  ])('is thrown as it is: %s', async (_, fn) => {
    await expect(traceAny(fn)).rejects.toBe(boom);
  });
});

describe('what no graph holds', () => {
  const complex = tf.complex([1], [2]);
  const boxes = () => tf.zeros<tf.Rank.R2>([3, 4]);
  it.each<[string, (given: { x: tf.Tensor1D }) => unknown, RegExp]>([
    ['a transform', ({ x }) => tf.signal.stft(x, 2, 1), /complex tensors are not supported/],
    ['a complex constant', () => tf.complex([1], [2]), /received "complex64"/],
    ['a complex constant of the caller', () => tf.real(complex), /received "complex64"/],
    ['a string', () => tf.tensor1d(['a']), /received "string"/],
    ['unique()', ({ x }) => tf.unique(x).values, /known only after running it/],
    [
      'boxes',
      ({ x }) => tf.image.nonMaxSuppression(boxes(), x, 2),
      /number of boxes kept is known only after/,
    ],
    [
      'padded boxes',
      ({ x }) => ({ ...tf.image.nonMaxSuppressionPadded(boxes(), x, 2, 0.5, 0, true) }),
      /NonMaxSuppressionV4.*fixed size only when padded/,
    ],
    ['booleanMaskAsync()', ({ x }) => tf.booleanMaskAsync(x, tf.tensor1d([1, 0, 1], 'bool')), /Async/],
    ['whereAsync()', ({ x }) => tf.whereAsync(tf.greater(x, 0)), /expected no value to be read/],
  ])('is refused with what to do instead: %s', async (_, fn, reason) => {
    const error = await rejection(traceAny(fn));
    expect(['UNSUPPORTED_OP', 'INVALID_TRACE']).toContain(error.code);
    expect(error.message).toMatch(reason);
    expect(error.message).toContain('in a host node (GraphBuilder.host)');
  });
});

describe('trace()', () => {
  it('takes a function that hands the whole record to GraphModel.execute', async () => {
    const model = await smallGraphModel();
    const graph = await trace((given) => ({ y: model.execute(given) as tf.Tensor }), {
      x: { dtype: 'float32', shape: [2, 3] },
    });
    expect(graph.outputs['y']).toEqual({ dtype: 'float32', shape: [4] });
    model.dispose();
  });

  it('refuses executeAsync of a model and says what to call instead', async () => {
    const model = await smallGraphModel();
    const calls: ((given: { x: tf.Tensor }) => unknown)[] = [
      ({ x }) => model.executeAsync({ x }),
      ({ x }) => ({ y: model.executeAsync({ x }) }),
      async ({ x }) => await model.executeAsync({ x }),
    ];
    for (const call of calls) {
      const error = await rejection(traceAny(call, { x: { dtype: 'float32', shape: [2, 3] } }));
      expect(error.code).toBe('INVALID_TRACE');
      expect(error.message).toMatch(/promise.*execute\(\) rather than executeAsync\(\)/);
    }
    model.dispose();
  });

  it.each([null, -1])('refuses a dimension of %s and says what to give instead', async (length) => {
    const specs = { x: { dtype: 'float32', shape: [length, 10] } };
    const error = await rejection(traceAny(() => tf.scalar(1), specs));
    expect(error.code).toBe('INVALID_GRAPH');
    expect(error.message).toMatch(new RegExp(`dimension 0 .*received ${length}; .*such as 1 for a batch`));
  });
});
