import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { opNames } from '../kernels/ops/index.js';
import { createKernelBackend as createReference } from '../kernels/reference/backend.js';
import { createKernelBackend as createWasm } from '../kernels/wasm/backend.js';
import type { ImmediateBackend, Preparation, ProgramNode } from '../scheduler/kernel.js';
import type { Tensor } from '../scheduler/tensor.js';
import { FuzzRun } from './op-fuzz/fuzz.js';
import { DRAWS, fuzzCase } from './op-fuzz/fuzz-case.js';
import { CANARY, Damage, runGuarded } from './op-fuzz/guarded-run.js';
import { backendOptions } from './support/one-node.js';
import { seeds, withSeed } from './support/seed.js';

const ROUNDS = 10;

describe.each([
  ['wasm', createWasm],
  ['reference', createReference],
] as const)('random calls of every op on the %s device', (_name, create) => {
  it('are refused with a code or give what the plain kernels give, and damage nothing', async () => {
    const cases = seeds(ROUNDS * opNames().length);
    const run = new FuzzRun(create);
    for (const seed of cases) await withSeed(seed, () => run.run(seed));
    run.close();
    if (cases.length > 1) expect(run.tally.get('equal'), 'calls that ran').toBeGreaterThan(cases.length / 3);
  });
});

describe('random calls', () => {
  it('are drawn for every op of the table', () => {
    expect(Object.keys(DRAWS).sort()).toEqual([...opNames()].sort());
  });

  it('are the same for the same seed', () => {
    for (const seed of [1, 777, 30_000]) expect(fuzzCase(seed)).toEqual(fuzzCase(seed));
  });
});

describe('a guarded run', () => {
  const x: Tensor = { dtype: 'float32', shape: [4], data: Float32Array.of(1, 2, 3, 4) };
  const relu = { op: 'Relu', inputs: { x }, outputs: [{ dtype: 'float32', shape: [4] }] } as const;
  let backend: ImmediateBackend;
  beforeEach(async () => {
    backend = await createWasm(backendOptions());
  });
  afterEach(() => backend.close());

  /** The backend with one thing done after each run of a node. */
  function spoiled(spoil: (output: Uint8Array) => void): ImmediateBackend {
    const prepare = (node: ProgramNode): Preparation => {
      const { run } = backend.prepare(node);
      return {
        run: (values) => {
          run(values);
          spoil(backend.read(values[node.outputs[0]!]!));
        },
      };
    };
    return Object.create(backend, {
      prepare: { value: prepare },
      memory: { value: backend.memory },
      read: { value: backend.read.bind(backend) },
      upload: { value: backend.upload.bind(backend) },
      release: { value: backend.release.bind(backend) },
    });
  }

  it.each(['indexOf', 'lastIndexOf'] as const)('notices a byte of a neighbor that changed (%s)', (find) => {
    const device = spoiled(({ buffer, byteOffset }) => {
      const heap = Buffer.from(buffer);
      heap[heap[find](CANARY, byteOffset)]!++;
    });
    expect(() => runGuarded(device, relu, { x })).toThrow(Damage);
  });

  it('notices an input that changed', () => {
    const device = spoiled(({ buffer, byteOffset }) => {
      const heap = Buffer.from(buffer);
      heap[heap.lastIndexOf(Buffer.from(x.data.buffer), byteOffset - 1)]!++;
    });
    expect(() => runGuarded(device, relu, { x })).toThrow('input x');
  });

  it('notices a tensor that is not given back', () => {
    const device = spoiled(() => backend.upload({ dtype: 'bool', shape: [3] }, new Uint8Array(3)));
    expect(() => runGuarded(device, relu, { x })).toThrow(/6 bytes are live where there were 0/);
  });
});
