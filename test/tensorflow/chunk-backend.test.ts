/** Chunks on a backend by itself, without an engine: what they hold, and what becomes of it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKernelBackend } from '../../kernels/tensorflow/backend.js';
import type { Chunk, ImmediateBackend, ProgramNode, ValueTable } from '../../scheduler/kernel.js';
import { backendOptions, programNode, uploadTo } from '../support/one-node.js';
import { floats } from '../support/tensors.js';

const SPEC = { dtype: 'float32', shape: [4] } as const;
const X = floats([4], 1, -2, 3, -4);

/** A chunk of one node. Nothing is left of what was recorded. */
function chunkOf(backend: ImmediateBackend, node: ProgramNode, areConstant = false): Chunk {
  const values: ValueTable = node.inputs.map(() => uploadTo(backend, X));
  const recording = backend.chunks!.record(node, values)!;
  const constants = areConstant ? values.slice(0, node.inputs.length) : [];
  const chunk = backend.chunks!.compile({ nodes: [{ node, recording }], outputs: node.outputs, constants });
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
    const chunk = chunkOf(backend, sum(), true);
    expect(backend.memory.liveBytes).toBeGreaterThan(0);
    backend.close();
    expect(backend.memory.liveBytes).toBe(0);
    expect(() => chunk.run([])).toThrow();
    chunk.release();
    expect(backend.memory.liveBytes).toBe(0);
  });
});
