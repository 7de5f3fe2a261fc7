/**
 * Guards nodes that take indices or sizes: kernels follow wrong ones into memory that is not theirs, or pass over them in
 * silence.
 */
import type { ValueId } from '../../scheduler/graph.js';
import type { DeviceTensor, PreparedNode, ProgramNode, ValueTable } from '../../scheduler/kernel.js';
import { valueCheck } from './value-check.js';

/**
 * The node with the values of its inputs checked before each run. The tensors that the run before was given, as constants are,
 * are not checked again: nobody writes to a tensor once it is made, and another one is another object.
 *
 * @param read the elements of an int32 tensor
 */
export function withChecks(
  node: ProgramNode,
  read: (tensor: DeviceTensor) => Int32Array,
  run: PreparedNode,
): PreparedNode {
  const check = valueCheck(node);
  if (check === undefined) return run;
  const ids = new Map(node.inputNames.map((name, index) => [name, node.inputs[index]!]));
  let checked: ReadonlyMap<ValueId, DeviceTensor> = new Map();
  return (values) => {
    if (!hasTensors(values, checked)) {
      const seen = new Map<ValueId, DeviceTensor>();
      check((input) => {
        const id = ids.get(input)!;
        const tensor = values[id]!;
        seen.set(id, tensor);
        return read(tensor);
      });
      checked = seen;
    }
    run(values);
  };
}

/** Whether the values are these tensors; `false` where there are none. */
function hasTensors(values: ValueTable, tensors: ReadonlyMap<ValueId, DeviceTensor>): boolean {
  for (const [id, tensor] of tensors) if (values[id] !== tensor) return false;
  return tensors.size > 0;
}
