/** MobileNetV2 (Sandler et al. 2018, arXiv:1801.04381) as Keras layers with seeded random weights. */
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { setSeededWeights } from './seeded-model.js';
import { fanInReach, spread } from './weights.js';

/** What the network is built with. */
export interface MobileNetV2Options {
  /** Width multiplier. Default 1. */
  readonly alpha?: number;
  /** Height and width of the image in pixels. Default 224. */
  readonly size?: number;
  /** Classes told apart. Default 1000. */
  readonly classes?: number;
  /** Seed of the weights. Default 1. */
  readonly seed?: number;
}

type Symbolic = layers.SymbolicTensor;

/** Output channels, stride of the first block, and number of blocks of each stage after the first block. */
const STAGES = [
  [24, 2, 2],
  [32, 2, 3],
  [64, 2, 4],
  [96, 1, 3],
  [160, 2, 3],
  [320, 1, 1],
] as const;

/** How much wider a block is inside. */
const EXPANSION = 6;

/** Spreads the logits so that the softmax prefers some classes. */
const LOGIT_SCALE = 4;

/**
 * Builds the network: float32 `[batch, size, size, 3]` in, probabilities `[batch, classes]` out. Activations keep about unit
 * variance, so that outputs are finite and differ between images. The caller disposes it.
 */
export function buildMobileNetV2(options: MobileNetV2Options = {}): layers.LayersModel {
  const { alpha = 1, size = 224, classes = 1000, seed = 1 } = options;
  const image = layers.input({ shape: [size, size, 3], name: 'image' });
  let x = convolve(image, 'Conv1', channels(32, alpha), 3, 2);
  x = invertedResidual(x, 'expanded_conv', channels(16, alpha), 1, 1);
  let block = 1;
  for (const [width, stride, repeats] of STAGES) {
    for (let repeat = 0; repeat < repeats; repeat++) {
      const step = repeat === 0 ? stride : 1;
      x = invertedResidual(x, `block_${block++}`, channels(width, alpha), step, EXPANSION);
    }
  }
  x = convolve(x, 'Conv_1', alpha > 1 ? channels(1280, alpha) : 1280, 1, 1);
  x = layers.layers.globalAveragePooling2d({ name: 'global_average_pooling' }).apply(x) as Symbolic;
  const head = layers.layers.dense({
    units: classes,
    activation: 'softmax',
    kernelInitializer: 'zeros',
    name: 'Logits',
  });
  const model = layers.model({ inputs: image, outputs: head.apply(x) as Symbolic });
  setSeededWeights(model, seed, weightValues);
  return model;
}

/** Scaled channels: a multiple of 8, at least 8, no more than a tenth below. */
function channels(count: number, alpha: number): number {
  const scaled = count * alpha;
  const rounded = Math.max(8, Math.floor((scaled + 4) / 8) * 8);
  return rounded < 0.9 * scaled ? rounded + 8 : rounded;
}

/** Convolution, batch normalisation, ReLU6 unless linear. */
function convolve(
  x: Symbolic,
  name: string,
  filters: number,
  kernelSize: number,
  strides: number,
  linear = false,
): Symbolic {
  const convolution = layers.layers.conv2d({
    filters,
    kernelSize,
    strides,
    padding: 'same',
    useBias: false,
    kernelInitializer: 'zeros',
    name,
  });
  return normalise(convolution.apply(x) as Symbolic, name, linear);
}

function convolveDepthwise(x: Symbolic, name: string, strides: number): Symbolic {
  const convolution = layers.layers.depthwiseConv2d({
    kernelSize: 3,
    strides,
    padding: 'same',
    useBias: false,
    depthwiseInitializer: 'zeros',
    name,
  });
  return normalise(convolution.apply(x) as Symbolic, name, false);
}

function normalise(x: Symbolic, name: string, linear: boolean): Symbolic {
  const normalised = layers.layers.batchNormalization({ epsilon: 1e-3, momentum: 0.999, name: `${name}_BN` });
  const y = normalised.apply(x) as Symbolic;
  return linear ? y : (layers.layers.reLU({ maxValue: 6, name: `${name}_relu` }).apply(y) as Symbolic);
}

/** Expand, filter each channel, project; around it a shortcut where shapes allow. */
function invertedResidual(
  x: Symbolic,
  name: string,
  filters: number,
  stride: number,
  expansion: number,
): Symbolic {
  const inputs = x.shape.at(-1)!;
  let y = expansion === 1 ? x : convolve(x, `${name}_expand`, inputs * expansion, 1, 1);
  y = convolveDepthwise(y, `${name}_depthwise`, stride);
  y = convolve(y, `${name}_project`, filters, 1, 1, true);
  if (stride !== 1 || inputs !== filters) return y;
  return layers.layers.add({ name: `${name}_add` }).apply([x, y]) as Symbolic;
}

/** `layer/kernel` and the like; a second model's names have a number at their end. */
function weightValues(name: string, shape: readonly number[], next: () => number): Float32Array {
  const length = tf.util.sizeFromShape([...shape]);
  const slash = name.lastIndexOf('/');
  const layer = name.slice(0, slash);
  const weight = name.slice(slash + 1).replace(/_\d+$/, '');
  switch (weight) {
    case 'kernel': {
      const fanIn = length / shape.at(-1)!;
      const afterLinear = layer === 'Conv1' || layer === 'Conv_1' || layer.endsWith('_expand');
      const scale = layer === 'Logits' ? LOGIT_SCALE : 1;
      return spread(next, length, 0, scale * fanInReach(fanIn, !afterLinear));
    }
    case 'depthwise_kernel':
      return spread(next, length, 0, fanInReach(shape[0]! * shape[1]!, true));
    case 'gamma':
    case 'moving_variance':
      return spread(next, length, 1, 0.2);
    case 'beta':
    case 'moving_mean':
    case 'bias':
      return spread(next, length, 0, 0.1);
    default:
      throw new Error(`expected a weight of a known kind, received ${name}`);
  }
}
