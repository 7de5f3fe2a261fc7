/** Attributes that are numbers: most kernels take them as float32, the cpu kernels as they are. */
import type { ProgramNode } from '../../scheduler/kernel.js';

/** The least float32 that has all its digits. */
const LEAST_FLOAT32 = 2 ** -126;

/** What a device's kernels make of numbers that float32 has not. */
export interface NumberRules {
  /** Ops that make of infinities, in float32, what the cpu kernels make of them. */
  readonly takeInfinity: ReadonlySet<string>;
  /** Ops to which a number of any size is what the nearest float32 is; none if left out. */
  readonly takeAnySize?: ReadonlySet<string>;
}

function* numbersIn(value: unknown): Generator<number> {
  if (typeof value === 'number') yield value;
  else if (typeof value === 'object' && value !== null) {
    for (const item of Object.values(value)) yield* numbersIn(item);
  }
}

/** Whether float32 holds the number, but for digits. */
function isFloat32(number: number): boolean {
  const size = Math.abs(number);
  return size === 0 || (size >= LEAST_FLOAT32 && Number.isFinite(Math.fround(size)));
}

/** Whether kernels of these rules take the numbers among the node's attributes as the cpu kernel does. */
export function takesNumbers(
  { op, attributes, inputSpecs, outputSpecs }: ProgramNode,
  { takeInfinity, takeAnySize }: NumberRules,
): boolean {
  const dtype = (inputSpecs[0] ?? outputSpecs[0])?.dtype;
  const takesInfinity = dtype === 'float32' && takeInfinity.has(op);
  const takesAnySize = takeAnySize?.has(op) === true;
  return [...numbersIn(attributes)].every((number) => {
    // Kernels differ in what they make of it, and some keep operators by their attributes.
    if (Number.isNaN(number)) return false;
    return Number.isFinite(number) ? takesAnySize || isFloat32(number) : takesInfinity;
  });
}
