/** Walks over tensors whose elements do not lie in the order in which they are needed. */
import type { Shape } from '../../scheduler/tensor.js';

/** How one tensor is walked through. */
export interface Course {
  /** Place of the first element. */
  readonly start: number;
  /** Places from one element to the next along each dimension; 0 repeats, a negative number goes backwards. */
  readonly steps: readonly number[];
}

/** Receives where a row begins in each of two tensors, and where in a third that is walked through as it lies. */
export type TakeRow = (a: number, b: number, out: number) => void;

/** Goes through all rows of the last dimension. A scalar is one row. */
export function forEachRow(shape: Shape, a: Course, b: Course, takeRow: TakeRow): void {
  const last = shape.length - 1;
  const length = last < 0 ? 1 : shape[last]!;
  const rows = shape.slice(0, Math.max(0, last)).reduce((product, size) => product * size, 1);
  const place = new Array<number>(shape.length).fill(0);
  let [aPlace, bPlace] = [a.start, b.start];
  for (let row = 0; row < rows; row++) {
    takeRow(aPlace, bPlace, row * length);
    for (let axis = last - 1; axis >= 0; axis--) {
      aPlace += a.steps[axis]!;
      bPlace += b.steps[axis]!;
      if (++place[axis]! < shape[axis]!) break;
      aPlace -= a.steps[axis]! * shape[axis]!;
      bPlace -= b.steps[axis]! * shape[axis]!;
      place[axis] = 0;
    }
  }
}

/** Places from one element to the next along each dimension of a tensor as it lies. */
export function stepsOf(shape: Shape): number[] {
  const steps = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) steps[axis] = steps[axis + 1]! * shape[axis + 1]!;
  return steps;
}
