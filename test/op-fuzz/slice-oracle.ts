/** `StridedSlice` as numpy has it: `x[begin:end:stride, …, newaxis, index]`. */
import type { Attributes } from '../../scheduler/graph.js';
import type { Tensor, TensorSpec } from '../../scheduler/tensor.js';
import { at, tabulate } from './tabulate.js';

/** What a slice takes of one axis; of a dropped axis one element. */
interface Taken {
  readonly first: number;
  readonly step: number;
  readonly isDropped: boolean;
}

/** What stands between two commas. */
type Part = 'ellipsis' | 'new axis' | ((length: number) => Taken);

const WHOLE = { first: 0, step: 1, isDropped: false } as const;

function partOf(attributes: Attributes, index: number): Part {
  const isSet = (mask: string) =>
    (((attributes[mask] as number | null | undefined) ?? 0) & (1 << index)) !== 0;
  if (isSet('ellipsisMask')) return 'ellipsis';
  if (isSet('newAxisMask')) return 'new axis';
  const [begin, step] = ['begin', 'strides'].map((name) => (attributes[name] as readonly number[])[index]!);
  return (length) => {
    const fromStart = begin! < 0 ? begin! + length : begin!;
    if (isSet('shrinkAxisMask')) return { first: fromStart, step: 1, isDropped: true };
    const [least, most] = step! > 0 ? [0, length] : [-1, length - 1];
    const masked = step! > 0 ? 0 : length - 1;
    const first = isSet('beginMask') ? masked : Math.min(Math.max(fromStart, least), most);
    return { first, step: step!, isDropped: false };
  };
}

/** The slice; where it ends is in the output's shape. */
export function sliced(x: Tensor, attributes: Attributes, output: TensorSpec): Tensor {
  const parts = (attributes['begin'] as readonly number[]).map((_, index) => partOf(attributes, index));
  const named = parts.filter((part) => typeof part === 'function').length;
  const taken: Taken[] = [];
  /** For each axis of the output the one of `x`; -1 for a new one. */
  const axes: number[] = [];
  const take = (part: Taken) => {
    if (!part.isDropped) axes.push(taken.length);
    taken.push(part);
  };
  for (const part of parts) {
    if (part === 'new axis') axes.push(-1);
    else if (part === 'ellipsis') for (let left = x.shape.length - named; left > 0; left--) take(WHOLE);
    else take(part(x.shape[taken.length]!));
  }
  while (taken.length < x.shape.length) take(WHOLE);
  return tabulate(output, (place) =>
    at(
      x,
      taken.map(({ first, step }, axis) => {
        const index = axes.indexOf(axis);
        return first + (index < 0 ? 0 : place[index]!) * step;
      }),
    ),
  );
}
