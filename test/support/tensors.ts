/** Tensors written down briefly. */
import { elementCount, type Shape, type Tensor } from '../../scheduler/tensor.js';
import { createRandom } from './random.js';

/** A float32 tensor of the given numbers, repeated. */
export function floats(shape: Shape, ...numbers: number[]): Tensor {
  const data = Float32Array.from({ length: elementCount(shape) }, (_, i) => numbers[i % numbers.length] ?? 0);
  return { dtype: 'float32', shape, data };
}

/** The same as int32. */
export function ints(shape: Shape, ...numbers: number[]): Tensor {
  const data = Int32Array.from({ length: elementCount(shape) }, (_, i) => numbers[i % numbers.length] ?? 0);
  return { dtype: 'int32', shape, data };
}

/** A float32 tensor of numbers from -2 to 2. */
export function randomFloats(shape: Shape, seed: number): Tensor {
  const random = createRandom(seed);
  const data = Float32Array.from({ length: elementCount(shape) }, () => random.next() * 4 - 2);
  return { dtype: 'float32', shape, data };
}
