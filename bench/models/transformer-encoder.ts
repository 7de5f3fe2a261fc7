/**
 * The encoder of a Transformer (Vaswani et al. 2017, arXiv:1706.03762; normalized before each part, as in GPT-2; GELU by
 * Hendrycks and Gimpel 2016, arXiv:1606.08415) with seeded random weights.
 */
import * as tf from '@tensorflow/tfjs-core';
import { fanInReach, seededUniform, spread } from './weights.js';

/** What the encoder is built with. */
export interface TransformerEncoderOptions {
  /** Default 8. */
  readonly layers?: number;
  /** Numbers per token; a multiple of `heads`. Default 512. */
  readonly width?: number;
  /** Default 8. */
  readonly heads?: number;
  /** Tokens. Default 128. */
  readonly sequence?: number;
  /** Seed of the weights. Default 1. */
  readonly seed?: number;
}

/** An encoder to trace, or to call with tensors of TensorFlow.js. */
export interface TransformerEncoder {
  /** Of the embedded tokens. */
  readonly shape: readonly [number, number];
  encode(tokens: tf.Tensor): tf.Tensor;
  dispose(): void;
}

interface Dense {
  readonly kernel: tf.Tensor2D;
  readonly bias: tf.Tensor1D;
}

interface Layer {
  readonly query: Dense;
  readonly key: Dense;
  readonly value: Dense;
  readonly out: Dense;
  readonly widen: Dense;
  readonly narrow: Dense;
}

/** How much wider a layer is inside. */
const EXPANSION = 4;
const EPSILON = 1e-5;

/** Builds the encoder: float32 `[sequence, width]` in and out. The caller disposes it. */
export function buildTransformerEncoder(options: TransformerEncoderOptions = {}): TransformerEncoder {
  const { layers = 8, width = 512, heads = 8, sequence = 128, seed = 1 } = options;
  const next = seededUniform(seed);
  const built = Array.from({ length: layers }, () => makeLayer(width, next));
  return {
    shape: [sequence, width],
    encode: (tokens) => normalize(built.reduce((x, layer) => applyLayer(x, layer, heads), tokens)),
    dispose: () => {
      for (const layer of built) for (const dense of Object.values<Dense>({ ...layer })) disposeDense(dense);
    },
  };
}

function makeDense(inputs: number, outputs: number, next: () => number, isAfterGelu = false): Dense {
  const values = spread(next, inputs * outputs, 0, fanInReach(inputs, isAfterGelu));
  return {
    kernel: tf.tensor2d(values, [inputs, outputs]),
    bias: tf.tensor1d(spread(next, outputs, 0, 0.1)),
  };
}

function disposeDense({ kernel, bias }: Dense): void {
  kernel.dispose();
  bias.dispose();
}

function makeLayer(width: number, next: () => number): Layer {
  return {
    query: makeDense(width, width, next),
    key: makeDense(width, width, next),
    value: makeDense(width, width, next),
    out: makeDense(width, width, next),
    widen: makeDense(width, width * EXPANSION, next),
    narrow: makeDense(width * EXPANSION, width, next, true),
  };
}

function applyDense(x: tf.Tensor, { kernel, bias }: Dense): tf.Tensor {
  return tf.add(tf.matMul(x as tf.Tensor2D, kernel), bias);
}

/** Without gain and offset, which the dense layers behind it can do as well. */
function normalize(x: tf.Tensor): tf.Tensor {
  const centered = tf.sub(x, tf.mean(x, -1, true));
  const variance = tf.mean(tf.square(centered), -1, true);
  return tf.mul(centered, tf.rsqrt(tf.add(variance, EPSILON)));
}

function gelu(x: tf.Tensor): tf.Tensor {
  return tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
}

/** `[sequence, width]` to `[heads, sequence, width of a head]`. */
function split(x: tf.Tensor, heads: number): tf.Tensor3D {
  const [sequence, width] = x.shape as [number, number];
  return tf.transpose(tf.reshape(x, [sequence, heads, width / heads]), [1, 0, 2]) as tf.Tensor3D;
}

function attend(x: tf.Tensor, { query, key, value, out }: Layer, heads: number): tf.Tensor {
  const [q, k, v] = [query, key, value].map((dense) => split(applyDense(x, dense), heads));
  const scores = tf.mul(tf.matMul(q!, k!, false, true), 1 / Math.sqrt(q!.shape[2]));
  const mixed = tf.matMul(tf.softmax(scores) as tf.Tensor3D, v!);
  return applyDense(tf.reshape(tf.transpose(mixed, [1, 0, 2]), [...x.shape]), out);
}

function applyLayer(x: tf.Tensor, layer: Layer, heads: number): tf.Tensor {
  const attended = tf.add(x, attend(normalize(x), layer, heads));
  const inside = gelu(applyDense(normalize(attended), layer.widen));
  return tf.add(attended, applyDense(inside, layer.narrow));
}
