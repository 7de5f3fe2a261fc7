/** ResNet-50 v1 (He et al. 2015, arXiv:1512.03385) as Keras layers with seeded random weights. */
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { setSeededWeights } from './seeded-model.js';
import { fanInReach, spread } from './weights.js';

type Symbolic = layers.SymbolicTensor;

/** Channels inside a block, stride of the first block, and number of blocks of each stage. */
const STAGES = [
  [64, 1, 3],
  [128, 2, 4],
  [256, 2, 6],
  [512, 2, 3],
] as const;

/** How much wider a block is outside. */
const EXPANSION = 4;

/** Keeps the sums of the shortcuts near unit variance. */
const BRANCH_SCALE = 0.5;

const CLASSES = 1000;

/** Builds the network: float32 `[batch, size, size, 3]` in, probabilities `[batch, 1000]` out. The caller disposes it. */
export function buildResNet50(seed = 1, size = 224): layers.LayersModel {
  const image = layers.input({ shape: [size, size, 3], name: 'image' });
  let x = convolve(image, 'conv1', 64, 7, 2);
  x = layers.layers
    .maxPooling2d({ poolSize: 3, strides: 2, padding: 'same', name: 'pool1' })
    .apply(x) as Symbolic;
  for (const [stage, [width, stride, blocks]] of STAGES.entries())
    for (let block = 0; block < blocks; block++)
      x = bottleneck(x, `conv${stage + 2}_block${block + 1}`, width, block === 0 ? stride : 1);
  x = layers.layers.globalAveragePooling2d({ name: 'average' }).apply(x) as Symbolic;
  const head = layers.layers.dense({
    units: CLASSES,
    activation: 'softmax',
    kernelInitializer: 'zeros',
    name: 'logits',
  });
  const model = layers.model({ inputs: image, outputs: head.apply(x) as Symbolic });
  setSeededWeights(model, seed, weightValues);
  return model;
}

/** Convolution and batch normalization, then ReLU unless linear. */
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
    kernelInitializer: 'zeros',
    name: `${name}_conv`,
  });
  const normalized = layers.layers
    .batchNormalization({ epsilon: 1.001e-5, name: `${name}_bn` })
    .apply(convolution.apply(x) as Symbolic) as Symbolic;
  return linear ? normalized : rectify(normalized, name);
}

function rectify(x: Symbolic, name: string): Symbolic {
  return layers.layers.reLU({ name: `${name}_relu` }).apply(x) as Symbolic;
}

/** Narrow, filter, widen; beside it a shortcut, projected where shapes differ. */
function bottleneck(x: Symbolic, name: string, width: number, stride: number): Symbolic {
  const outside = width * EXPANSION;
  const shortcut = x.shape.at(-1) === outside ? x : convolve(x, `${name}_0`, outside, 1, stride, true);
  let y = convolve(x, `${name}_1`, width, 1, stride);
  y = convolve(y, `${name}_2`, width, 3, 1);
  y = convolve(y, `${name}_3`, outside, 1, 1, true);
  return rectify(layers.layers.add({ name: `${name}_add` }).apply([shortcut, y]) as Symbolic, `${name}_out`);
}

function weightValues(name: string, shape: readonly number[], next: () => number): Float32Array {
  const length = tf.util.sizeFromShape([...shape]);
  const weight = name.slice(name.lastIndexOf('/') + 1).replace(/_\d+$/, '');
  switch (weight) {
    case 'kernel':
      return spread(next, length, 0, fanInReach(length / shape.at(-1)!, true));
    case 'gamma':
      return spread(next, length, BRANCH_SCALE, 0.1);
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
