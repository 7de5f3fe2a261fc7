/** One Adam step of a small convolutional network, with all of its state as inputs and outputs. */
import * as tf from '@tensorflow/tfjs-core';
// Also registers TensorFlow.js's gradients, which the core alone lacks in Node.js.
import * as layers from '@tensorflow/tfjs-layers';
import type { Tensor, TensorSpec } from '../../scheduler/tensor.js';
import { fanInReach, seededUniform, spread } from './weights.js';

/** What the network is trained on. */
export interface TrainingStepOptions {
  /** Images of one step. Default 4. */
  readonly batch?: number;
  /** Height and width of the images in pixels. Default 8. */
  readonly size?: number;
  /** Classes told apart. Default 3. */
  readonly classes?: number;
  /** Adam's learning rate. Default 0.01. */
  readonly learningRate?: number;
  /** Seed of weights and data. Default 1. */
  readonly seed?: number;
}

/** A training step to trace, or to call with tensors of TensorFlow.js. */
export interface TrainingStep {
  /** Specs of `images`, `labels` (one-hot) and every piece of state. */
  readonly inputs: Readonly<Record<string, TensorSpec>>;
  /** Returns `loss`, of the state it is given, and the state after the step, by the inputs' names. */
  readonly fn: (inputs: Readonly<Record<string, tf.Tensor>>) => Record<string, tf.Tensor>;
  /** A random batch and the state before the first step. */
  readonly feeds: Readonly<Record<string, Tensor>>;
  dispose(): void;
}

/** Fields of TensorFlow.js's Adam that it keeps to itself. */
interface AdamState {
  readonly accBeta1: tf.Variable;
  readonly accBeta2: tf.Variable;
  readonly accumulatedFirstMoment: readonly { readonly variable: tf.Variable }[];
  readonly accumulatedSecondMoment: readonly { readonly variable: tf.Variable }[];
}

const BETAS = [0.9, 0.999] as const;

/** Builds the network (two convolutions, one normalised, pooling, a dense layer) and its optimizer. */
export function buildTrainingStep(options: TrainingStepOptions = {}): TrainingStep {
  const { batch = 4, size = 8, classes = 3, learningRate = 0.01, seed = 1 } = options;
  const next = seededUniform(seed);
  const model = buildNetwork(size, classes, next);
  const trainable = model.trainableWeights.map((weight) => weight.read() as tf.Variable);
  const { optimizer, state: adam } = prepareAdam(trainable, learningRate);
  const state = new Map(
    model.weights.map((weight): [string, tf.Variable] => [weight.name, weight.read() as tf.Variable]),
  );
  trainable.forEach(({ name }, index) => {
    state.set(`${name}/m`, adam.accumulatedFirstMoment[index]!.variable);
    state.set(`${name}/v`, adam.accumulatedSecondMoment[index]!.variable);
  });
  state.set('accBeta1', adam.accBeta1).set('accBeta2', adam.accBeta2);

  const fn: TrainingStep['fn'] = (inputs) => {
    for (const [name, variable] of state) variable.assign(inputs[name]!);
    const cost = () => {
      const logits = model.apply(inputs['images']!, { training: true }) as tf.Tensor;
      return tf.losses.softmaxCrossEntropy(inputs['labels']!, logits) as tf.Scalar;
    };
    const loss = optimizer.minimize(cost, true, trainable)!;
    return { loss, ...Object.fromEntries(state) };
  };
  const feeds = {
    images: randomTensor([batch, size, size, 1], next),
    labels: oneHot(batch, classes),
    ...Object.fromEntries([...state].map(([name, variable]) => [name, currentValue(variable)])),
  };
  const inputs = Object.fromEntries(
    Object.entries(feeds).map(([name, { dtype, shape }]) => [name, { dtype, shape }]),
  );
  const dispose = () => {
    model.dispose();
    optimizer.dispose();
  };
  return { inputs, fn, feeds, dispose };
}

function buildNetwork(size: number, classes: number, next: () => number): layers.LayersModel {
  const { conv2d, batchNormalization, activation, maxPooling2d, flatten, dense } = layers.layers;
  const zeros = { kernelInitializer: 'zeros' } as const;
  const model = layers.sequential({
    layers: [
      conv2d({ inputShape: [size, size, 1], filters: 4, kernelSize: 3, padding: 'same', ...zeros }),
      batchNormalization({}),
      activation({ activation: 'relu' }),
      maxPooling2d({ poolSize: 2 }),
      conv2d({ filters: 6, kernelSize: 3, padding: 'same', activation: 'relu', ...zeros }),
      flatten(),
      dense({ units: classes, ...zeros }),
    ],
  });
  tf.tidy(() => {
    for (const weight of model.trainableWeights.filter(({ name }) => /kernel/.test(name))) {
      const shape = weight.shape as number[];
      const length = tf.util.sizeFromShape(shape);
      const reach = fanInReach(length / shape.at(-1)!, true);
      weight.write(tf.tensor(spread(next, length, 0, reach), shape));
    }
  });
  return model;
}

/** TensorFlow.js makes the accumulators in the first step; a step without gradients makes them and changes no weight. */
function prepareAdam(variables: readonly tf.Variable[], learningRate: number) {
  const optimizer = tf.train.adam(learningRate, ...BETAS);
  const state = optimizer as unknown as AdamState;
  tf.tidy(() => {
    optimizer.applyGradients(
      variables.map((variable) => ({ name: variable.name, tensor: tf.zerosLike(variable) })),
    );
    state.accBeta1.assign(tf.scalar(BETAS[0]));
    state.accBeta2.assign(tf.scalar(BETAS[1]));
  });
  return { optimizer, state };
}

function randomTensor(shape: readonly number[], next: () => number): Tensor {
  return { dtype: 'float32', shape, data: spread(next, tf.util.sizeFromShape([...shape]), 0, 1) };
}

function oneHot(batch: number, classes: number): Tensor {
  const data = new Float32Array(batch * classes);
  for (let image = 0; image < batch; image++) data[image * classes + (image % classes)] = 1;
  return { dtype: 'float32', shape: [batch, classes], data };
}

function currentValue(variable: tf.Variable): Tensor {
  return { dtype: 'float32', shape: [...variable.shape], data: new Float32Array(variable.dataSync()) };
}
