/** The op that checks work with when any would do: the first of a few that the device has. */
import type { ProgramNode } from '../../scheduler/kernel.js';
import type { Shape, TensorSpec } from '../../scheduler/tensor.js';
import type { Bench, BenchNode } from './bench.js';
import { CheckFailure } from './check-failure.js';
import { nodeOf, type OpCall } from './nodes.js';

const UNARY = ['Neg', 'Relu', 'Abs', 'Square', 'Tanh', 'Exp'] as const;
const BINARY = ['Add', 'Multiply', 'Sub', 'Maximum'] as const;

const float = (shape: Shape): TensorSpec => ({ dtype: 'float32', shape });

/** Calls of one float32 input, or the same input twice, that give an output of the same shape. */
export function carrierCalls(shape: Shape): readonly OpCall[] {
  return [
    ...UNARY.map((op) => ({ op, inputs: { x: float(shape) } })),
    ...BINARY.map((op) => ({ op, inputs: { a: float(shape), b: float(shape) } })),
  ];
}

/** A prepared node that turns a float32 tensor into another of the same shape. */
export function carrierOn(bench: Bench, shape: Shape, name = 'carrier'): BenchNode {
  for (const call of carrierCalls(shape)) {
    const prepared = bench.prepare(nodeOf(call, name));
    if (prepared !== undefined) return prepared;
  }
  throw new CheckFailure('ops', `one at least of ${[...UNARY, ...BINARY].join(', ')} for float32`, 'none');
}

/** As many times the same as the node has inputs. */
export function fanOut<Value>({ inputs }: ProgramNode, value: Value): Value[] {
  return inputs.map(() => value);
}
