/** Gives a model of Keras layers weights made from a seed. */
import * as tf from '@tensorflow/tfjs-core';
import type * as layers from '@tensorflow/tfjs-layers';
import { seededUniform } from './weights.js';

/** Makes the values of one weight, named like `layer/kernel`, from numbers between -1 and 1. */
export type WeightValues = (name: string, shape: readonly number[], next: () => number) => Float32Array;

export function setSeededWeights(model: layers.LayersModel, seed: number, valuesOf: WeightValues): void {
  const next = seededUniform(seed);
  tf.tidy(() => {
    for (const layer of model.layers) {
      const weights = layer.weights.map(({ name, shape }) =>
        tf.tensor(valuesOf(name, shape as number[], next), shape as number[]),
      );
      if (weights.length > 0) layer.setWeights(weights);
    }
  });
}
