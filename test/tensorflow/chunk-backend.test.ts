/** Chunks on a backend by itself, without an engine: what they hold, and what becomes of it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKernelBackend } from '../../kernels/tensorflow/backend.js';
import type { NodeId, ValueId } from '../../scheduler/graph.js';
import type { Chunk, ImmediateBackend, ProgramNode, ValueTable } from '../../scheduler/kernel.js';
import { thrown } from '../support/catch-error.js';
import { backendOptions, programNode, uploadTo } from '../support/one-node.js';
import { floats } from '../support/tensors.js';

const SPEC = { dtype: 'float32', shape: [4] } as const;
const X = floats([4], 1, -2, 3, -4);

/** A chunk of nodes that take values 0 and 1. Nothing is left of what was recorded. */
function chunkOf(
  backend: ImmediateBackend,
  nodes: readonly ProgramNode[],
  {
    areConstant = false,
    promised = nodes,
  }: { areConstant?: boolean; promised?: readonly ProgramNode[] } = {},
): Chunk {
  const values: ValueTable = [uploadTo(backend, X), uploadTo(backend, X)];
  const constants = areConstant ? values.slice() : [];
  const recorded = nodes.map((node, index) => ({
    recording: backend.chunks!.record(node, values)!,
    node: promised[index]!,
  }));
  const outputs = nodes.flatMap((node) => node.outputs);
  const chunk = backend.chunks!.compile({ nodes: recorded, outputs, constants });
  for (const tensor of values) backend.release(tensor!);
  return chunk;
}

const sum = (): ProgramNode => programNode({ op: 'Add', inputs: { a: SPEC, b: SPEC }, outputs: [SPEC] });

describe('a chunk', () => {
  let backend: ImmediateBackend;
  beforeEach(async () => {
    backend = (await createKernelBackend(backendOptions())) as ImmediateBackend;
  });
  afterEach(() => backend.close());

  it('goes with its backend, constants, graph and all', () => {
    const chunk = chunkOf(backend, [sum()], { areConstant: true });
    expect(backend.memory.liveBytes).toBeGreaterThan(0);
    backend.close();
    expect(backend.memory.liveBytes).toBe(0);
    expect(() => chunk.run([])).toThrow();
    chunk.release();
    expect(backend.memory.liveBytes).toBe(0);
  });

  it.each([
    ['shape', { dtype: 'float32', shape: [2, 2] }],
    ['dtype', { dtype: 'int32', shape: [4] }],
  ] as const)('leaves nothing of a run that gives another %s than a node promises', (_what, spec) => {
    const nodes = [sum(), { ...sum(), id: 1 as NodeId, name: 'wrong', outputs: [3 as ValueId] }];
    const promised = [nodes[0]!, { ...nodes[1]!, outputSpecs: [spec] }];
    const chunk = chunkOf(backend, nodes, { promised });
    const inputs = [uploadTo(backend, X), uploadTo(backend, X)];
    const liveBytes = backend.memory.liveBytes;
    const values: ValueTable = [...inputs];
    expect(thrown(() => chunk.run(values))).toMatchObject({ code: 'KERNEL_FAILED', node: 'wrong' });
    expect(values).toEqual(inputs);
    expect(backend.memory.liveBytes).toBe(liveBytes);
  });

  it('names the node whose op fails', () => {
    const negative = programNode({ op: 'Neg', inputs: { x: SPEC }, outputs: [SPEC] });
    const at = (name: string, id: number, inputs: number[], output: number) => ({
      id: id as NodeId,
      name,
      inputs: inputs as ValueId[],
      outputs: [output as ValueId],
    });
    const nodes = [
      { ...negative, ...at('first', 7, [0], 2) },
      { ...sum(), ...at('second', 12, [2, 1], 3) },
      { ...negative, ...at('third', 13, [3], 4) },
    ];
    const chunk = chunkOf(backend, nodes);
    const other = uploadTo(backend, floats([3], 1, 2, 3));
    const liveBytes = backend.memory.liveBytes;
    const error = thrown(() => chunk.run([other, uploadTo(backend, X)]));
    expect(error).toMatchObject({ code: 'KERNEL_FAILED', node: 'second' });
    expect(error.message).toMatch(/^node "second": tensorflow: .*shapes/);
    expect(backend.memory.liveBytes).toBe(liveBytes + 16);
  });

  it('cannot hold a node whose indices are checked', () => {
    const indices = { dtype: 'int32', shape: [2], data: Int32Array.of(3, 0) } as const;
    const outputs = [{ dtype: 'float32', shape: [2] }] as const;
    const attributes = { axis: 0, batchDims: 0 };
    const node = programNode({ op: 'GatherV2', inputs: { x: SPEC, indices }, attributes, outputs });
    const values: ValueTable = [uploadTo(backend, X), uploadTo(backend, indices)];
    expect(backend.prepare(node).fallback).toBe(undefined);
    expect(backend.chunks!.record(node, values)).toBe(undefined);
  });

  it.each([
    ['2 GiB', undefined, 2 ** 29, /2 GiB/],
    ['the memory limit', 1000, 250, /could not allocate 1016 bytes/],
  ])('refuses constants beyond %s before it reads them', async (_what, memoryLimitBytes, length, message) => {
    backend.close();
    backend = (await createKernelBackend(backendOptions({ memoryLimitBytes }))) as ImmediateBackend;
    const spec = { dtype: 'float32', shape: [length] } as const;
    const promised = [{ ...sum(), inputSpecs: [spec, SPEC] }];
    expect(() => chunkOf(backend, [sum()], { areConstant: true, promised })).toThrow(message);
  });
});
