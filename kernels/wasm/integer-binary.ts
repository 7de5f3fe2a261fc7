/** Quotients and remainders of integers, as TensorFlow.js's cpu kernels compute them: WebAssembly traps on division by zero. */
import type { ProgramNode } from '../../scheduler/kernel.js';
import type { Shape } from '../../scheduler/tensor.js';
import { type Course, forEachRow, stepsOf } from '../own/rows.js';

type Numbers = Float32Array | Int32Array | Uint8Array;

/** Division by zero gives no number or an infinite one, which is 0 as an integer. */
const OPERATIONS: Readonly<Record<string, (a: number, b: number) => number>> = {
  FloorDiv: (a, b) => Math.floor(a / b),
  Mod: (a, b) => {
    const remainder = a % b;
    return a < 0 === b < 0 ? remainder : (remainder + b) % b;
  },
  RealDiv: (a, b) => a / b,
};

/** Prepares the operation of a node that gives int32; `undefined` for others. */
export function prepareIntegerBinary(
  node: ProgramNode,
): ((a: Numbers, b: Numbers, out: Int32Array) => void) | undefined {
  const operation = Object.hasOwn(OPERATIONS, node.op) ? OPERATIONS[node.op]! : undefined;
  const { dtype, shape } = node.outputSpecs[0]!;
  if (operation === undefined || dtype !== 'int32') return undefined;
  const [aCourse, bCourse] = node.inputSpecs.map((input) => broadcastCourse(input.shape, shape));
  const length = shape.at(-1) ?? 1;
  const [aStep, bStep] = [aCourse!, bCourse!].map(({ steps }) => steps.at(-1) ?? 1);
  return (a, b, out) => {
    forEachRow(shape, aCourse!, bCourse!, (aPlace, bPlace, to) => {
      for (let index = 0; index < length; index++) {
        out[to + index] = operation(a[aPlace + index * aStep!]!, b[bPlace + index * bStep!]!);
      }
    });
  };
}

/** Repeats along the dimensions that an operand lacks or has one element of. */
function broadcastCourse(own: Shape, full: Shape): Course {
  const missing = full.length - own.length;
  const steps = stepsOf(own);
  return {
    start: 0,
    steps: full.map((_, axis) => (axis < missing || own[axis - missing] === 1 ? 0 : steps[axis - missing]!)),
  };
}
