/** Infinite and NaN attributes, which few wasm kernels pass on as they are. */
import type { Attributes } from '../../scheduler/graph.js';
import type { ProgramNode } from '../../scheduler/kernel.js';

/**
 * Ops whose kernels compute with infinities of float32 what the cpu kernels compute. Others lose them on the way, or make
 * INT_MIN of them where the dtype is int32; NaN is lost by most.
 */
const TAKE_INFINITY = new Set([
  ...['ClipByValue', 'Fill', 'PadV2'],
  ...['NonMaxSuppressionV3', 'NonMaxSuppressionV4', 'NonMaxSuppressionV5'],
]);

function* numbersIn(value: unknown): Generator<number> {
  if (typeof value === 'number') yield value;
  else if (typeof value === 'object' && value !== null) {
    for (const item of Object.values(value)) yield* numbersIn(item);
  }
}

function extremes(attributes: Attributes): number[] {
  return [...numbersIn(attributes)].filter((number) => !Number.isFinite(number));
}

/** Whether the node's wasm kernel takes the numbers among its attributes. */
export function takesNumbers({ op, attributes, outputSpecs, inputSpecs }: ProgramNode): boolean {
  const found = extremes(attributes);
  if (found.length === 0) return true;
  const { dtype } = inputSpecs[0] ?? outputSpecs[0]!;
  return TAKE_INFINITY.has(op) && dtype === 'float32' && !found.some(Number.isNaN);
}
