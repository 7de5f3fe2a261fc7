/** Nodes that Curfew computes itself, right on the heap: where wasm's kernels are wrong or slow and the cpu's would cost copies. */
import type { PreparedNode, ProgramNode, ValueTable } from '../../scheduler/kernel.js';
import type { TensorData } from '../../scheduler/tensor.js';
import { prepareStridedSlice } from '../own/strided-slice.js';
import type { Heap, HeapTensor } from './heap.js';
import { prepareIntegerBinary } from './integer-binary.js';

/** Computes the output from the inputs' elements. */
type Compute = (inputs: readonly TensorData[], output: TensorData) => void;

/** Prepares a node of these ops that has elements, or returns `undefined` for any other. */
export function prepareOwnNode(node: ProgramNode, heap: Heap): PreparedNode | undefined {
  const compute = prepareCompute(node);
  if (compute === undefined) return undefined;
  const [output] = node.outputSpecs;
  const to = node.outputs[0]!;
  return (values: ValueTable) => {
    const tensor = heap.make(output!);
    // Only now, for the allocation may have moved the heap's buffer.
    const inputs = node.inputs.map((id) => heap.view(values[id] as HeapTensor));
    compute(inputs, heap.view(tensor));
    values[to] = tensor;
  };
}

function prepareCompute(node: ProgramNode): Compute | undefined {
  if (node.op === 'StridedSlice') {
    const copy = prepareStridedSlice(node);
    return ([x], output) => copy(x!, output);
  }
  const operate = prepareIntegerBinary(node);
  return operate && (([a, b], output) => operate(a!, b!, output as Int32Array));
}
