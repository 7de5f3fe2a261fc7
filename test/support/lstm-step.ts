/** One Adam step of an LSTM that reads tokens, with all of its state as inputs and outputs. */
import * as tf from '@tensorflow/tfjs-core';
// Registers TensorFlow.js's gradients, which the core alone lacks in Node.js.
import '@tensorflow/tfjs-layers';
import type { Tensor, TensorSpec } from '../../scheduler/tensor.js';
import { createRandom } from './random.js';

const [BATCH, TOKENS, VOCABULARY, EMBEDDED, UNITS, CLASSES] = [3, 4, 10, 5, 6, 3];
const WEIGHTS = {
  embedding: [VOCABULARY, EMBEDDED],
  kernel: [EMBEDDED + UNITS, 4 * UNITS],
  bias: [4 * UNITS],
  output: [UNITS, CLASSES],
} as const;
const [LEARNING_RATE, BETA1, BETA2, EPSILON] = [0.05, 0.9, 0.999, 1e-7];

type Tensors = Readonly<Record<string, tf.Tensor>>;

/** A step to trace. */
export interface LstmStep {
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  /** Returns `loss`, of the state it is given, and the state after the step, by the inputs' names. */
  readonly fn: (inputs: Tensors) => Record<string, tf.Tensor>;
  readonly feeds: Readonly<Record<string, Tensor>>;
}

const names = Object.keys(WEIGHTS) as (keyof typeof WEIGHTS)[];

function lossOf(tokens: tf.Tensor, labels: tf.Tensor, weights: readonly tf.Tensor[]): tf.Scalar {
  const [embedding, kernel, bias, output] = weights as [tf.Tensor, tf.Tensor2D, tf.Tensor1D, tf.Tensor2D];
  let cell = tf.zeros([BATCH, UNITS]) as tf.Tensor2D;
  let hidden = cell;
  for (const token of tf.unstack(tokens, 1)) {
    const x = tf.gather(embedding, token as tf.Tensor1D) as tf.Tensor2D;
    [cell, hidden] = tf.basicLSTMCell(tf.scalar(1), kernel, bias, x, cell, hidden);
  }
  return tf.losses.softmaxCrossEntropy(labels, tf.matMul(hidden, output)) as tf.Scalar;
}

function adam(inputs: Tensors, name: string, gradient: tf.Tensor): Record<string, tf.Tensor> {
  const mix = (beta: number, old: tf.Tensor, fresh: tf.Tensor) =>
    tf.add(tf.mul(old, beta), tf.mul(fresh, 1 - beta));
  const m = mix(BETA1, inputs[`${name}/m`]!, gradient);
  const v = mix(BETA2, inputs[`${name}/v`]!, tf.square(gradient));
  const corrected = tf.div(m, tf.sub(1, inputs['power1']!));
  const scale = tf.add(tf.sqrt(tf.div(v, tf.sub(1, inputs['power2']!))), EPSILON);
  const weight = tf.sub(inputs[name]!, tf.mul(tf.div(corrected, scale), LEARNING_RATE));
  return { [name]: weight, [`${name}/m`]: m, [`${name}/v`]: v };
}

function step(inputs: Tensors): Record<string, tf.Tensor> {
  const gradients = tf.valueAndGrads((...weights: tf.Tensor[]) =>
    lossOf(inputs['tokens']!, inputs['labels']!, weights),
  );
  const { value: loss, grads } = gradients(names.map((name) => inputs[name]!));
  const state = names.map((name, index) => adam(inputs, name, grads[index]!));
  const powers = {
    power1: tf.mul(inputs['power1']!, BETA1),
    power2: tf.mul(inputs['power2']!, BETA2),
  };
  return Object.assign({ loss }, powers, ...state);
}

/** The step, its specs, and a batch with the state before the first step. */
export function buildLstmStep(seed = 1): LstmStep {
  const random = createRandom(seed);
  const floats = (shape: readonly number[], reach: number): Tensor => ({
    dtype: 'float32',
    shape,
    data: Float32Array.from(
      { length: shape.reduce((a, b) => a * b, 1) },
      () => (random.next() * 2 - 1) * reach,
    ),
  });
  const tokens = Int32Array.from({ length: BATCH * TOKENS }, () => random.integer(0, VOCABULARY - 1));
  const labels = new Float32Array(BATCH * CLASSES);
  for (let row = 0; row < BATCH; row++) labels[row * CLASSES + (row % CLASSES)] = 1;
  const state = names.flatMap((name): [string, Tensor][] => [
    [name, floats(WEIGHTS[name], 0.5)],
    [`${name}/m`, floats(WEIGHTS[name], 0)],
    [`${name}/v`, floats(WEIGHTS[name], 0)],
  ]);
  const feeds: LstmStep['feeds'] = {
    tokens: { dtype: 'int32', shape: [BATCH, TOKENS], data: tokens },
    labels: { dtype: 'float32', shape: [BATCH, CLASSES], data: labels },
    power1: { dtype: 'float32', shape: [], data: Float32Array.of(BETA1) },
    power2: { dtype: 'float32', shape: [], data: Float32Array.of(BETA2) },
    ...Object.fromEntries(state),
  };
  const inputs = Object.fromEntries(
    Object.entries(feeds).map(([name, { dtype, shape }]) => [name, { dtype, shape }]),
  );
  return { inputs, fn: step, feeds };
}
