/** Random tensors, and how two are compared. */
import { createRandom, type Random } from '../../kernels/virtual/random.js';
import {
  allocateData,
  elementCount,
  formatSpec,
  type Tensor,
  type TensorSpec,
} from '../../scheduler/tensor.js';
import { CheckFailure } from './check-failure.js';
import type { DeviceCheckOptions } from './options.js';

const DEFAULT_TOLERANCE = 1e-4;

/** Chance for a check's inputs. */
export function randomOf({ seed = 1 }: DeviceCheckOptions): Random {
  return createRandom(seed);
}

/** A tensor of random values: float32 from -2 to 2, int32 from -5 to 5, bool either. */
export function randomTensor({ dtype, shape }: TensorSpec, random: Random): Tensor {
  const data = allocateData(dtype, elementCount(shape));
  for (let index = 0; index < data.length; index++) data[index] = randomElement(dtype, random);
  return { dtype, shape, data };
}

function randomElement(dtype: TensorSpec['dtype'], random: Random): number {
  switch (dtype) {
    case 'float32':
      return 4 * random() - 2;
    case 'int32':
      return Math.floor(11 * random()) - 5;
    case 'bool':
      return random() < 0.5 ? 0 : 1;
  }
}

/** Throws unless dtype, shape and, up to a tolerance, values are the same. */
export function checkTensor(
  what: string,
  received: Tensor,
  expected: Tensor,
  { tolerance = DEFAULT_TOLERANCE }: DeviceCheckOptions,
): void {
  if (formatSpec(received) !== formatSpec(expected))
    throw new CheckFailure(what, formatSpec(expected), formatSpec(received));
  for (const [index, wanted] of expected.data.entries()) {
    const got = received.data[index]!;
    const isClose = Math.abs(got - wanted) <= tolerance * Math.max(1, Math.abs(wanted));
    // Infinities are the same or not close.
    if (!isClose && !Object.is(got, wanted)) throw new CheckFailure(`${what}, element ${index}`, wanted, got);
  }
}
