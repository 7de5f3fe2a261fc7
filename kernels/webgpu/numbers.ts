/** Attributes that are numbers: shaders take them as float32, and may take it for granted that they are finite. */
import type { ProgramNode } from '../../scheduler/kernel.js';

/** The least float32 that has all its digits. */
const LEAST_FLOAT32 = 2 ** -126;

/** Ops that make of an infinite bound or value what the cpu kernels make of it, in float32. */
const TAKE_INFINITY: ReadonlySet<string> = new Set(['ClipByValue', 'Fill', 'PadV2']);

function* numbersIn(value: unknown): Generator<number> {
  if (typeof value === 'number') yield value;
  else if (typeof value === 'object' && value !== null) {
    for (const item of Object.values(value)) yield* numbersIn(item);
  }
}

/** Whether float32 holds the number, but for digits. */
function isPlain(number: number): boolean {
  const size = Math.abs(number);
  return size === 0 || (size >= LEAST_FLOAT32 && Number.isFinite(Math.fround(size)));
}

/** Whether the node's attributes are numbers that its kernel takes as the cpu kernel does. */
export function takesNumbers({ op, attributes, outputSpecs }: ProgramNode): boolean {
  const odd = [...numbersIn(attributes)].filter((number) => !isPlain(number));
  if (odd.length === 0) return true;
  const areInfinite = odd.every((number) => Math.abs(number) === Number.POSITIVE_INFINITY);
  return areInfinite && outputSpecs[0]!.dtype === 'float32' && TAKE_INFINITY.has(op);
}
