import { describe, expect, it, vi } from 'vitest';
import { createKernelBackend } from '../kernels/reference/backend.js';
import { interpret } from '../kernels/reference/interpret.js';
import { createGraph } from '../scheduler/check.js';
import type { GraphDefinition, HostFunction } from '../scheduler/graph.js';
import type { Tensor } from '../scheduler/tensor.js';
import { backendOptions, programNode, readFrom, runOn, runPrepared, uploadTo } from './support/one-node.js';

const tensor = (...numbers: number[]): Tensor => ({
  dtype: 'float32',
  shape: [numbers.length],
  data: Float32Array.from(numbers),
});
const PAIR = { dtype: 'float32', shape: [2] } as const;
const NO_COST = { operations: 0, bytes: 0 };

/** y = halve(x + ones) · x, where `halve` is a host node. */
function definition(halve: HostFunction): GraphDefinition {
  const kernel = (name: string, op: string, a: string, b: string) =>
    ({ kind: 'kernel', name, op, inputs: { a, b }, attributes: {}, outputs: [PAIR], cost: NO_COST }) as const;
  return {
    nodes: [
      { kind: 'input', name: 'x', spec: PAIR },
      { kind: 'constant', name: 'ones', tensor: tensor(1, 1) },
      kernel('sum', 'Add', 'x', 'ones'),
      { kind: 'host', name: 'halve', inputs: { value: 'sum' }, outputs: { half: PAIR }, run: halve },
      kernel('product', 'Multiply', 'halve', 'x'),
    ],
    outputs: { y: 'product', sum: 'sum' },
  };
}

describe('interpret()', () => {
  it('evaluates kernel and host nodes in order and returns plain tensors by name', async () => {
    const graph = createGraph(
      definition(({ value }, { node, signal }) => {
        expect(node).toBe('halve');
        expect(signal.aborted).toBe(false);
        return { half: { ...value!, data: value!.data.map((number) => number / 2) } };
      }),
    );
    expect(await interpret(graph, { x: tensor(1, 3) })).toEqual({ y: tensor(1, 6), sum: tensor(2, 4) });
  });

  it('takes bare typed arrays from host nodes', async () => {
    const graph = createGraph(definition(() => ({ half: Float32Array.of(10, 20) })));
    expect(await interpret(graph, { x: tensor(1, 3) })).toMatchObject({ y: tensor(10, 60) });
  });

  it('passes on what a host node throws', async () => {
    const graph = createGraph(definition(() => Promise.reject(new Error('no'))));
    await expect(interpret(graph, { x: tensor(1, 3) })).rejects.toThrow('no');
  });
});

describe('the reference backend', () => {
  it('leaves the inputs of kernels that work in place alone', async () => {
    const backend = await createKernelBackend(backendOptions());
    const inputs = {
      tensor: tensor(1, 2, 3),
      indices: { dtype: 'int32', shape: [1, 1], data: Int32Array.of(1) } as const,
      updates: tensor(9),
    };
    const node = programNode({ op: 'TensorScatterUpdate', inputs, outputs: [inputs.tensor] });
    const uploaded = Object.values(inputs).map((input) => uploadTo(backend, input));
    const [updated] = runPrepared(backend.prepare(node), uploaded);
    expect(readFrom(backend, updated!)).toEqual(tensor(1, 9, 3));
    expect(readFrom(backend, uploaded[0]!)).toEqual(tensor(1, 2, 3));
  });

  it('prints nothing and returns to the bytes it had', async () => {
    const printed = vi.spyOn(console, 'warn');
    const backend = await createKernelBackend(backendOptions());
    const [sum] = runOn(backend, 'Add', { a: tensor(1, 2), b: tensor(3, 4) }, [PAIR]);
    expect(sum).toEqual(tensor(4, 6));
    expect(backend.memory).toEqual({ liveBytes: 0, peakBytes: 24 });
    expect(printed).not.toHaveBeenCalled();
  });

  it('throws OUT_OF_MEMORY at memoryLimitBytes and UNSUPPORTED_OP for unknown ops', async () => {
    const backend = await createKernelBackend(backendOptions({ memoryLimitBytes: 20 }));
    expect(() => runOn(backend, 'Add', { a: tensor(1, 2), b: tensor(3, 4) }, [PAIR])).toThrow(
      expect.objectContaining({ code: 'OUT_OF_MEMORY' }),
    );
    expect(backend.memory.liveBytes).toBe(0);
    expect(() => backend.prepare(programNode({ op: 'Nonsense', inputs: {}, outputs: [] }))).toThrow(
      expect.objectContaining({ code: 'UNSUPPORTED_OP', node: 'the Nonsense' }),
    );
  });
});
