/**
 * `StridedSlice` for any dtype. TensorFlow.js's kernels mix up dimensions (see `reference/corrections.ts`); the one for wasm knows
 * float32 only, and allocates memory for each element.
 */
import { slice_util } from '@tensorflow/tfjs-core';
import type { ProgramNode } from '../../scheduler/kernel.js';
import type { Shape } from '../../scheduler/tensor.js';
import { type Course, forEachRow, stepsOf } from './rows.js';

/** Elements of any dtype. */
type Elements = Float32Array | Int32Array | Uint8Array;

interface Slice extends Course {
  /** Elements taken along each dimension of the whole. */
  readonly lengths: Shape;
}

function sliceOf({ attributes, inputSpecs }: ProgramNode): Slice {
  const whole = inputSpecs[0]!.shape;
  const list = (name: string) => [...(attributes[name] as readonly number[])];
  const mask = (name: string) => (attributes[name] as number | null | undefined) ?? 0;
  const { begin, end, strides } = slice_util.sliceInfo(
    [...whole],
    list('begin'),
    list('end'),
    list('strides'),
    mask('beginMask'),
    mask('endMask'),
    mask('ellipsisMask'),
    mask('newAxisMask'),
    mask('shrinkAxisMask'),
  );
  const steps = stepsOf(whole);
  return merged({
    lengths: whole.map((_, axis) => Math.ceil((end[axis]! - begin[axis]!) / strides[axis]!)),
    start: steps.reduce((sum, step, axis) => sum + step * begin[axis]!, 0),
    steps: steps.map((step, axis) => step * strides[axis]!),
  });
}

/** The same elements in as few and as long rows as they allow. */
function merged({ lengths, start, steps }: Slice): Slice {
  const rows: { length: number; step: number }[] = [];
  for (const [axis, length] of lengths.entries()) {
    const step = steps[axis]!;
    const outer = rows.at(-1);
    if (length === 1) continue;
    if (outer?.step === length * step) Object.assign(outer, { length: outer.length * length, step });
    else rows.push({ length, step });
  }
  return { lengths: rows.map(({ length }) => length), start, steps: rows.map(({ step }) => step) };
}

/** Prepares to copy a node's slice; the slice must have elements. */
export function prepareStridedSlice(node: ProgramNode): (whole: Elements, slice: Elements) => void {
  const slice = sliceOf(node);
  const length = slice.lengths.at(-1) ?? 1;
  const step = slice.steps.at(-1) ?? 1;
  return (whole, out) => {
    forEachRow(slice.lengths, slice, slice, (from, _again, to) => {
      for (let index = 0; index < length; index++) out[to + index] = whole[from + index * step]!;
    });
  };
}
