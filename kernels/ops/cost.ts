/** Ways to count an op's arithmetic; bytes are those of all inputs and outputs unless an op says otherwise. */
import { elementCount } from '../../scheduler/tensor.js';
import type { OpDefinition } from './op.js';
import { inputList } from './specs.js';

type Cost = NonNullable<OpDefinition['cost']>;

/** The output is another view of the input's memory. */
export const viewCost: Cost = () => ({ operations: 0, bytes: 0 });

/** Elements are moved, none is computed. */
export const moveCost: Cost = () => ({ operations: 0 });

/** `count` operations per element of the first output. */
export function perOutput(count: number): Cost {
  return (_inputs, outputs) => ({ operations: count * elementCount(outputs[0]!.shape) });
}

/** `count` operations per element of the input of this name. */
export function perInput(name: string, count = 1): Cost {
  return (inputs) => ({ operations: count * elementCount(inputs[name]!.shape) });
}

/** One operation per element of every input, for variadic ops. */
export const perAnyInput: Cost = (inputs) => ({
  operations: inputList(inputs).reduce((sum, input) => sum + elementCount(input.shape), 0),
});
