/** The backend by itself: memory to the byte, whatever becomes of a node. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadAddon } from '../../kernels/tensorflow/addon.js';
import { createKernelBackend } from '../../kernels/tensorflow/backend.js';
import { CountedBinding } from '../../kernels/tensorflow/counted-binding.js';
import { findInstallation } from '../../kernels/tensorflow/installation.js';
import type { ImmediateBackend } from '../../scheduler/kernel.js';
import { thrown } from '../support/catch-error.js';
import { backendOptions, programNode, readFrom, runOn, runPrepared, uploadTo } from '../support/one-node.js';
import { floats } from '../support/tensors.js';

const LIMIT_BYTES = 1000;
const addon = () => loadAddon(findInstallation()!.addon);

describe('a tensorflow backend', () => {
  let backend: ImmediateBackend;
  beforeEach(async () => {
    backend = (await createKernelBackend(backendOptions())) as ImmediateBackend;
  });
  afterEach(() => {
    expect(backend.memory.liveBytes).toBe(0);
    backend.close();
  });

  it('leaves nothing of a node that TensorFlow refuses, and goes on', () => {
    const a = floats([2, 3], 1);
    const outputs = [{ dtype: 'float32', shape: [2, 3] }] as const;
    expect(() => runOn(backend, 'BatchMatMul', { a, b: a }, outputs)).toThrow(/^tensorflow: .*2,3/);
    expect(backend.memory.liveBytes).toBe(0);
    const [sum] = runOn(backend, 'Add', { a, b: a }, outputs);
    expect([...sum!.data]).toEqual(new Array(6).fill(2));
  });

  it('refuses what a kernel makes instead of what the graph promises', () => {
    const x = floats([2, 3], 1);
    const outputs = [{ dtype: 'float32', shape: [3, 2] }] as const;
    expect(thrown(() => runOn(backend, 'Neg', { x }, outputs)).code).toBe('KERNEL_FAILED');
  });

  it.each(['Reshape', 'Identity', 'ExpandDims'])(
    'counts memory that %s shares once, until both are gone',
    (op) => {
      const shape = op === 'Identity' ? [6] : [1, 6];
      const attributes = { Reshape: { shape }, ExpandDims: { dim: 0 } }[op] ?? {};
      const x = floats([6], 1, 2, 3, 4, 5, 6);
      const inputs = op === 'ExpandDims' ? { input: x } : { x };
      const node = programNode({ op, inputs, attributes, outputs: [{ dtype: 'float32', shape }] });
      const input = uploadTo(backend, x);
      const [output] = runPrepared(backend.prepare(node), [input]);
      expect(backend.memory.liveBytes).toBe(24);
      backend.release(input);
      expect(backend.memory.liveBytes).toBe(24);
      expect([...readFrom(backend, output!).data]).toEqual([...x.data]);
      backend.release(output!);
    },
  );

  it('keeps a copy of what is uploaded, wherever it lies', () => {
    for (const offset of [0, 1, 4, 16, 32, 64]) {
      const bytes = new Uint8Array(new SharedArrayBuffer(256), offset, 8);
      bytes.set(new Uint8Array(Float32Array.of(1, 2).buffer));
      const tensor = backend.upload({ dtype: 'float32', shape: [2] }, bytes);
      bytes.fill(0);
      expect([...readFrom(backend, tensor).data]).toEqual([1, 2]);
      backend.release(tensor);
    }
  });

  it('takes a tensor without elements whose lengths overflow', () => {
    const spec = { dtype: 'float32', shape: [2 ** 31 - 1, 2 ** 31 - 1, 2 ** 31 - 1, 0] } as const;
    const tensor = backend.upload(spec, new Uint8Array(0));
    expect(backend.read(tensor)).toHaveLength(0);
    backend.release(tensor);
  });
});

describe('two backends on one thread', () => {
  it('keep apart', async () => {
    const [first, second] = (await Promise.all(
      [0, 1].map(() => createKernelBackend(backendOptions())),
    )) as ImmediateBackend[];
    const x = floats([2], 1, 2);
    const outputs = [{ dtype: 'float32', shape: [2] }] as const;
    const held = uploadTo(first!, x);
    second!.close();
    expect([...readFrom(first!, held).data]).toEqual([1, 2]);
    expect([...runOn(first!, 'Neg', { x }, outputs)[0]!.data]).toEqual([-1, -2]);
    first!.close();
  });
});

describe('a counted binding', () => {
  function fill(binding: CountedBinding, length: number) {
    const dims = binding.createTensor([1], binding.TF_INT32, Int32Array.of(length));
    const value = binding.createTensor([], binding.TF_FLOAT, Float32Array.of(1));
    try {
      const type = { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
      return binding.executeOp('Fill', [type], [dims, value], 1)[0]!;
    } finally {
      binding.deleteTensor(dims);
      binding.deleteTensor(value);
    }
  }

  it('counts what ops make, and gives it back', () => {
    const binding = new CountedBinding(addon(), LIMIT_BYTES);
    const { id } = fill(binding, 10);
    expect(binding.memory).toEqual({ liveBytes: 40, peakBytes: 48 });
    binding.deleteTensor(id);
    binding.deleteTensor(id);
    expect(binding.memory.liveBytes).toBe(0);
  });

  it('remembers nothing of tensors that no kernel makes', () => {
    const binding = new CountedBinding(addon(), undefined);
    const make = () => binding.createTensor([1], binding.TF_FLOAT, Float32Array.of(1));
    binding.deleteTensor(make());
    expect(binding.takeMade()).toEqual([]);
    binding.collectMade();
    const collected = make();
    expect(binding.takeMade()).toEqual([collected]);
    binding.deleteTensor(make());
    expect(binding.takeMade()).toEqual([]);
    binding.deleteAll();
  });

  it('refuses what an op has made beyond the limit', () => {
    const binding = new CountedBinding(addon(), LIMIT_BYTES);
    expect(thrown(() => fill(binding, LIMIT_BYTES)).code).toBe('OUT_OF_MEMORY');
    expect(binding.memory.liveBytes).toBe(0);
  });

  it("makes TensorFlow's own lack of memory OUT_OF_MEMORY", () => {
    const binding = new CountedBinding(addon(), undefined);
    const error = thrown(() => {
      const dims = binding.createTensor([2], binding.TF_INT32, Int32Array.of(2 ** 20, 2 ** 22));
      const value = binding.createTensor([], binding.TF_FLOAT, Float32Array.of(1));
      const type = { name: 'T', type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
      binding.executeOp('Fill', [type], [dims, value], 1);
    });
    expect(error).toMatchObject({ code: 'OUT_OF_MEMORY' });
    expect(error.message).toContain('tensorflow: OOM when allocating');
    binding.deleteAll();
    expect(binding.memory.liveBytes).toBe(0);
  });
});
