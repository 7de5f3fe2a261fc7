/** One case of the op table, and the small constructors that the tables of cases are written with. */
import type { Attributes } from '../../scheduler/graph.js';
import type { DType, Shape, TensorSpec } from '../../scheduler/tensor.js';
import type { Random } from './random.js';

/** An input of a case, filled with random values of a range, or with given ones. */
export interface CaseInput extends TensorSpec {
  /** Least value; -2 for float32, -5 for int32 when left out. Ignored for bool. */
  readonly min?: number;
  /** Largest value, included; 2 for float32, 5 for int32 when left out. Ignored for bool. */
  readonly max?: number;
  /** The exact values, for ops that accept few. */
  readonly values?: readonly number[];
}

/** Backends of TensorFlow.js whose kernels may depart from the op table. */
export type Backend = 'cpu' | 'wasm';

/** One call of an op with all it needs. */
export interface OpCase {
  readonly op: string;
  readonly inputs: Readonly<Record<string, CaseInput>>;
  readonly attributes: Attributes;
  /**
   * Backends that have the kernel and yet fail this case, with the reason: it throws, or gives another shape, dtype
   * or other values than the table and the remaining backends. Backends without the kernel are not listed.
   */
  readonly except?: Partial<Record<Backend, string>>;
  /** The values are random by design, so that only dtypes and shapes can be compared. */
  readonly randomValues?: true;
}

/** A table of cases for one topic. */
export type CaseTable = (random: Random) => readonly OpCase[];

type Range = Omit<CaseInput, 'dtype' | 'shape'>;

/** A float32 input. */
export const f32 = (shape: Shape, range: Range = {}): CaseInput => ({ dtype: 'float32', shape, ...range });
/** An int32 input. */
export const i32 = (shape: Shape, range: Range = {}): CaseInput => ({ dtype: 'int32', shape, ...range });
/** A bool input. */
export const bool = (shape: Shape): CaseInput => ({ dtype: 'bool', shape });
/** An input of any dtype. */
export const of = (dtype: DType, shape: Shape, range: Range = {}): CaseInput => ({ dtype, shape, ...range });

/** A shape of this rank with lengths of 1 to 4. */
export function randomShape(random: Random, rank: number): number[] {
  return Array.from({ length: rank }, () => random.integer(1, 4));
}

/** Two shapes that broadcast, and may have different ranks. */
export function broadcastingShapes(random: Random, rank: number): [number[], number[]] {
  const full = randomShape(random, rank);
  const thin = (shape: number[]) => shape.map((length) => (random.next() < 0.3 ? 1 : length));
  const shapes: [number[], number[]] = [thin(full), thin(full).slice(random.integer(0, rank))];
  return random.next() < 0.5 ? shapes : [shapes[1], shapes[0]];
}

/** A variadic op's inputs: the given ones under '0', '1', …. */
export function variadic(inputs: readonly CaseInput[]): Record<string, CaseInput> {
  return Object.fromEntries(inputs.map((input, index) => [String(index), input]));
}
