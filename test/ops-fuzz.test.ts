import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findOp, opNames } from '../kernels/ops/index.js';
import { INDEXED_OPS } from '../kernels/ops/index-bounds.js';
import { createReferenceBackend as createReference } from '../kernels/reference/backend.js';
import { isCorrected } from '../kernels/reference/corrections.js';
import { createKernelBackend as createWasm } from '../kernels/wasm/backend.js';
import { curfewError } from '../scheduler/errors.js';
import type { ImmediateBackend, Preparation, ProgramNode } from '../scheduler/kernel.js';
import { allocateData, elementCount, type Tensor } from '../scheduler/tensor.js';
import { FuzzRun } from './op-fuzz/fuzz.js';
import { DRAWS, fuzzCase } from './op-fuzz/fuzz-case.js';
import { CANARY, Damage, runGuarded } from './op-fuzz/guarded-run.js';
import { REFUSING_OPS } from './op-fuzz/index-ranges.js';
import { Fault, judge } from './op-fuzz/judge.js';
import { backendOptions, readFrom, uploadTo } from './support/one-node.js';
import { seeds, withSeed } from './support/seed.js';
import { runOnCpu } from './support/tfjs-kernels.js';

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

describe('the judge of random calls', () => {
  const reference = createReference(backendOptions());

  const zeros = ({ outputSpecs }: ProgramNode): readonly Tensor[] =>
    outputSpecs.map((spec) => ({ ...spec, data: allocateData(spec.dtype, elementCount(spec.shape)) }));

  /** The reference device with nodes run by something else. */
  function withNodes(
    run: (node: ProgramNode, inputs: Readonly<Record<string, Tensor>>) => readonly Tensor[],
  ) {
    const prepare = (node: ProgramNode): Preparation => ({
      run: (values) => {
        const inputs = node.inputNames.map((name, index) => [name, readFrom(reference, values[index]!)]);
        const outputs = run(node, Object.fromEntries(inputs));
        for (const [index, output] of outputs.entries())
          values[node.outputs[index]!] = uploadTo(reference, output);
      },
    });
    const { memory } = reference;
    const [upload, read, release] = (['upload', 'read', 'release'] as const).map((method) =>
      reference[method].bind(reference),
    );
    return { device: 'odd', memory, prepare, upload, read, release, close() {} } as ImmediateBackend;
  }

  /** What the judge finds wrong with a device in some calls of an op. */
  function faults(op: string, backend: ImmediateBackend): string[] {
    const ops = opNames();
    return Array.from({ length: 150 }, (_, round) => round * ops.length + ops.indexOf(op)).flatMap((seed) => {
      try {
        judge(fuzzCase(seed), backend);
        return [];
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        return [error.message];
      }
    });
  }

  it.each(opNames().filter(isCorrected))('finds that the plain kernel of %s is wrong', (op) => {
    const plain = withNodes((node, inputs) => {
      // Some kernels never end where there is nothing to compute.
      if (node.outputSpecs.every(({ shape }) => elementCount(shape) === 0)) return zeros(node);
      const outputs = runOnCpu(node, inputs);
      if (outputs === undefined) throw new Error('no kernel');
      return outputs;
    });
    expect(faults(op, reference)).toEqual([]);
    expect(faults(op, plain)).not.toEqual([]);
  });

  it.each(REFUSING_OPS)('finds that %s refuses indices in range, or takes others', (op) => {
    const refusing = withNodes((node) => {
      throw curfewError('KERNEL_FAILED', `node "${node.name}": out of range`);
    });
    const taking = withNodes(zeros);
    expect(faults(op, refusing)).toContainEqual(expect.stringContaining('threw where there is a result'));
    expect(faults(op, taking)).toContainEqual(expect.stringContaining('computed where there is no result'));
  });

  it('knows all ops that refuse indices', () => {
    const described = Object.keys(INDEXED_OPS).filter((op) => findOp(op) !== undefined);
    expect(described.sort()).toEqual([...REFUSING_OPS].sort());
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
