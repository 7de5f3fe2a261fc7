/** Tensors by the coordinates of their elements. */
import {
  allocateData,
  elementCount,
  type Shape,
  type Tensor,
  type TensorSpec,
} from '../../scheduler/tensor.js';

function flatPlace(shape: Shape, place: readonly number[]): number {
  return shape.reduce((flat, length, axis) => flat * length + place[axis]!, 0);
}

/** The element at a place that the tensor has. */
export function at({ shape, data }: Tensor, place: readonly number[]): number {
  const isInside =
    place.length === shape.length && place.every((index, axis) => index >= 0 && index < shape[axis]!);
  if (!isInside) throw new RangeError(`expected a place in [${shape}], received [${place}]`);
  return data[flatPlace(shape, place)]!;
}

/** The tensor whose elements are what `valueAt` says. */
export function tabulate(spec: TensorSpec, valueAt: (place: readonly number[]) => number): Tensor {
  const data = allocateData(spec.dtype, elementCount(spec.shape));
  for (let flat = 0; flat < data.length; flat++) {
    const place: number[] = [];
    let rest = flat;
    for (const length of spec.shape.toReversed()) {
      place.unshift(rest % length);
      rest = Math.floor(rest / length);
    }
    data[flat] = valueAt(place);
  }
  return { ...spec, data };
}

/** Sums by place. */
export function bag() {
  const sums = new Map<string, number>();
  const keyOf = (index: readonly number[], place: number) => `${index.join()}:${place}`;
  return {
    add(index: readonly number[], place: number, value: number): void {
      const key = keyOf(index, place);
      sums.set(key, (sums.get(key) ?? 0) + value);
    },
    get: (index: readonly number[], place: number): number => sums.get(keyOf(index, place)) ?? 0,
  };
}
