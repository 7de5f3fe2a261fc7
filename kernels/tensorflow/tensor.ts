/** Tensors of this device. */
import type { DeviceTensor } from '../../scheduler/kernel.js';
import { allocateData, type TensorData, type TensorSpec, viewData } from '../../scheduler/tensor.js';
import type { CountedBinding } from './counted-binding.js';

/** A tensor in TensorFlow's memory, by the number that the addon knows it under. */
export interface TensorFlowTensor extends DeviceTensor {
  readonly id: number;
}

/**
 * Copies bytes into a new tensor.
 *
 * One without elements is of shape [0] to TensorFlow, which ends the process where lengths multiplied take more than 64 bits
 * even if there are none. It is never an input there: what is made of nothing is made without TensorFlow.
 *
 * @throws OUT_OF_MEMORY
 */
export function makeTensor(binding: CountedBinding, spec: TensorSpec, bytes: Uint8Array): TensorFlowTensor {
  const { dtype, shape } = spec;
  const type = binding.typeOf(dtype);
  const id =
    bytes.byteLength === 0
      ? binding.createTensor([0], type, allocateData(dtype, 0))
      : binding.createTensor(shape, type, elementsOf(spec, bytes));
  return { dtype, shape, id };
}

/** The bytes as elements; copied where they begin between two. */
function elementsOf(spec: TensorSpec, bytes: Uint8Array): TensorData {
  const isAligned = spec.dtype === 'bool' || bytes.byteOffset % Float32Array.BYTES_PER_ELEMENT === 0;
  const { buffer, byteOffset } = isAligned ? bytes : bytes.slice();
  return viewData(spec, buffer, byteOffset);
}

/** Makes tensors one after the other; when one cannot be made, none is left. */
export function makeAll(
  binding: CountedBinding,
  count: number,
  make: (index: number) => TensorFlowTensor,
): TensorFlowTensor[] {
  const made: TensorFlowTensor[] = [];
  try {
    while (made.length < count) made.push(make(made.length));
    return made;
  } catch (error) {
    for (const { id } of made) binding.deleteTensor(id);
    throw error;
  }
}
