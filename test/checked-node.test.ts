import { describe, expect, it } from 'vitest';
import { withChecks } from '../kernels/ops/checked-node.js';
import type { DeviceTensor } from '../scheduler/kernel.js';
import type { Shape, Tensor } from '../scheduler/tensor.js';
import { programNode } from './support/one-node.js';
import { floats, ints } from './support/tensors.js';

const X = floats([3, 2]);

/** A GatherV2 of three rows, as `[indices read, runs]` after each run. */
function guardedGather(shape: Shape) {
  let reads = 0;
  let runs = 0;
  const node = programNode({
    op: 'GatherV2',
    inputs: { x: X, indices: { dtype: 'int32', shape } },
    attributes: { axis: 0, batchDims: 0 },
    outputs: [{ dtype: 'float32', shape: [...shape, 2] }],
  });
  const read = (tensor: DeviceTensor) => {
    reads++;
    return (tensor as Tensor).data as Int32Array;
  };
  const guarded = withChecks(node, read, () => runs++);
  return (indices: Tensor) => {
    guarded([X, indices]);
    return [reads, runs];
  };
}

describe('the values of inputs', () => {
  it('are read once for a tensor that each run is given, and again for any other', () => {
    const run = guardedGather([2]);
    const constant = ints([2], 0, 2);
    expect(run(constant)).toEqual([1, 1]);
    expect(run(constant)).toEqual([1, 2]);
    expect(run(ints([2], 0, 2))).toEqual([2, 3]);
    expect(run(constant)).toEqual([3, 4]);
  });

  it('are refused as often as they are wrong, and nothing runs on them', () => {
    const run = guardedGather([2]);
    const wrong = ints([2], 0, 3);
    for (let time = 0; time < 2; time++) expect(() => run(wrong)).toThrow('expected indices from 0 to 2');
    expect(run(ints([2], 1, 1))).toEqual([3, 1]);
    expect(() => run(wrong)).toThrow('received 3 at element 1');
  });
});
