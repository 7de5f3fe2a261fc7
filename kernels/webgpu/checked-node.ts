/** Guards nodes that take indices or sizes: shaders stay within their tensors, and compute something else there. */
import type { DeviceTensor, PreparedNode, ProgramNode } from '../../scheduler/kernel.js';
import { valueCheck } from '../ops/value-check.js';
import type { Gpu } from './gpu.js';
import type { GpuTensor } from './tensor.js';
import { readTensor } from './transfer.js';

/**
 * The node with the values of its inputs checked before each run, which waits for them. The tensors that the run before was given,
 * as constants are, are not checked again.
 */
export function withCheckedValues(node: ProgramNode, gpu: Gpu, run: PreparedNode): PreparedNode {
  const check = valueCheck(node);
  if (check === undefined) return run;
  const places = new Map(node.inputNames.map((name, index) => [name, node.inputs[index]!]));
  const checked = new Map<string, DeviceTensor>();
  return (values) => {
    const isKnown = [...checked].every(([input, tensor]) => values[places.get(input)!] === tensor);
    if (checked.size === 0 || !isKnown) {
      checked.clear();
      const seen = new Map<string, DeviceTensor>();
      check((input) => {
        const tensor = values[places.get(input)!] as GpuTensor;
        seen.set(input, tensor);
        return readTensor(gpu, tensor).data as Int32Array;
      });
      for (const [input, tensor] of seen) checked.set(input, tensor);
    }
    run(values);
  };
}
