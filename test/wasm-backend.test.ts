import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { inferNode } from '../kernels/ops/index.js';
import { createKernelBackend as createReference } from '../kernels/reference/backend.js';
import { createKernelBackend } from '../kernels/wasm/backend.js';
import { CurfewError } from '../scheduler/errors.js';
import type { DeviceTensor, ImmediateBackend } from '../scheduler/kernel.js';
import type { Tensor } from '../scheduler/tensor.js';
import { caught } from './support/catch-error.js';
import {
  backendOptions,
  difference,
  programNode,
  readFrom,
  runOn,
  runPrepared,
  uploadTo,
} from './support/one-node.js';
import { caseTensors, formatCase, type OpCase, opCases } from './support/op-cases.js';
import { createRandom } from './support/random.js';
import { floats } from './support/tensors.js';

const SEED = Number(process.env['CURFEW_SEED'] ?? 1);
const DEFAULT_TOLERANCE = 1e-4;
/** Relative tolerances of ops that need another. */
const TOLERANCE: Readonly<Record<string, number>> = {};

const specOf = ({ dtype, shape }: Tensor) => ({ dtype, shape });
const matrix = (rows: number, columns: number) => ({ dtype: 'float32', shape: [1, rows, columns] }) as const;
const MATMUL = { transposeA: false, transposeB: false };

describe('the wasm backend', () => {
  let backend: ImmediateBackend;
  beforeEach(async () => {
    backend = await createKernelBackend(backendOptions());
  });
  afterEach(() => {
    backend.close();
  });

  describe('computes what the reference computes', async () => {
    const reference = await createReference(backendOptions());
    const cases = opCases(SEED);
    const ops = [...new Set(cases.map(({ op }) => op))];
    it.each(ops)(`%s (seed ${SEED})`, (op) => {
      const failures = cases.filter((opCase) => opCase.op === op).map((opCase) => compare(opCase, reference));
      expect(failures.filter((failure) => failure !== undefined)).toEqual([]);
      expect(backend.memory.liveBytes).toBe(0);
    });
  });

  function compare(opCase: OpCase, reference: ImmediateBackend): string | undefined {
    const { op, attributes, randomValues } = opCase;
    const inputs = caseTensors(opCase, SEED);
    const { outputs } = inferNode(op, inputs, attributes, 'case');
    const actual = runOn(backend, op, inputs, outputs, attributes);
    const expected = runOn(reference, op, inputs, outputs, attributes);
    const tolerance = randomValues ? Number.POSITIVE_INFINITY : (TOLERANCE[op] ?? DEFAULT_TOLERANCE);
    const differences = expected.map((tensor, index) => difference(actual[index]!, tensor, tolerance));
    const first = differences.find((text) => text !== undefined);
    return first === undefined ? undefined : `${formatCase(opCase)}: ${first}`;
  }

  it('gives the same whenever a prepared node runs', () => {
    for (const opCase of opCases(SEED)) {
      const inputs = caseTensors(opCase, SEED);
      const { outputs } = inferNode(opCase.op, inputs, opCase.attributes, 'case');
      const prepared = backend.prepare(programNode({ ...opCase, inputs, outputs }));
      const uploaded = Object.values(inputs).map((input) => uploadTo(backend, input));
      const [first, second] = [0, 1].map(() => {
        const results = runPrepared(prepared, uploaded, outputs.length);
        const read = results.map((result) => readFrom(backend, result));
        for (const result of results) backend.release(result);
        return read;
      });
      expect(second, formatCase(opCase)).toEqual(first);
      expect(uploaded.map((input) => readFrom(backend, input))).toEqual(Object.values(inputs));
      for (const input of uploaded) backend.release(input);
    }
  });

  it('runs ops that wasm lacks or always computes wrong on the cpu, and says so', () => {
    const runsOnCpu = ({ op, inputs, attributes }: OpCase) => {
      const { outputs } = inferNode(op, inputs, attributes, 'case');
      return backend.prepare(programNode({ op, inputs, attributes, outputs })).fallback === 'cpu';
    };
    const cases = opCases(1);
    const onWasm = new Set(cases.filter((opCase) => !runsOnCpu(opCase)).map(({ op }) => op));
    const onCpu = new Set(cases.map(({ op }) => op).filter((op) => !onWasm.has(op)));
    expect([...onCpu].sort()).toMatchInlineSnapshot(`
      [
        "Conv2DBackpropFilter",
        "Conv3DBackpropFilterV2",
        "Conv3DBackpropInputV2",
        "CropAndResize",
        "DepthwiseConv2dNativeBackpropFilter",
        "DepthwiseConv2dNativeBackpropInput",
        "Dilation2D",
        "Dilation2DBackpropFilter",
        "Dilation2DBackpropInput",
        "Einsum",
        "LinSpace",
        "MaxPool3D",
        "MaxPool3DGrad",
        "MaxPoolGrad",
        "MaxPoolWithArgmax",
        "SparseReshape",
        "UnsortedSegmentSum",
      ]
    `);
  });

  it('prepare() throws UNSUPPORTED_OP naming node and op when there is no kernel at all', () => {
    const node = programNode({ op: 'Nonsense', inputs: {}, outputs: [] });
    const error = caught(() => backend.prepare(node));
    expect(error).toBeInstanceOf(CurfewError);
    expect(error).toMatchObject({ code: 'UNSUPPORTED_OP', node: 'the Nonsense', received: 'Nonsense' });
  });

  it('is not used after close()', () => {
    backend.close();
    expect(caught(() => uploadTo(backend, floats([1], 1)))).toMatchObject({ code: 'INTERNAL' });
  });

  it('refuses more than one thread with UNSUPPORTED_OPTION', async () => {
    await expect(createKernelBackend(backendOptions({ threads: 2 }))).rejects.toMatchObject({
      code: 'UNSUPPORTED_OPTION',
    });
  });

  it('leaves no process listeners behind and the current TensorFlow.js backend alone', async () => {
    const count = () =>
      ['uncaughtException', 'unhandledRejection'].map((event) => process.listenerCount(event));
    const mine = () => {};
    process.on('uncaughtException', mine);
    const before = count();
    const registered = Object.keys(tf.engine().registryFactory);
    const other = await createKernelBackend(backendOptions());
    expect(count()).toEqual(before);
    expect(process.listeners('uncaughtException')).toContain(mine);
    expect(Object.keys(tf.engine().registryFactory)).toEqual(registered);
    expect(tf.getKernelsForBackend('wasm')).toEqual([]);
    other.close();
    process.off('uncaughtException', mine);
  });

  it('keeps backends of one thread apart', async () => {
    const other = await createKernelBackend(backendOptions());
    const x = floats([2, 3], 1, 2, 3);
    for (const device of [backend, other, backend]) {
      const [sum] = runOn(device, 'Sum', { x }, [{ dtype: 'float32', shape: [2] }], {
        axis: 1,
        keepDims: false,
      });
      expect([...sum!.data]).toEqual([6, 6]);
    }
    other.close();
  });

  describe('memory', () => {
    it('returns to what it was over random nodes, thrown ones included', () => {
      const random = createRandom(SEED);
      const cases = opCases(SEED);
      const kept = uploadTo(backend, floats([7], 1));
      for (let round = 0; round < 1000; round++) {
        const opCase = random.pick(cases);
        const inputs = caseTensors(opCase, round);
        const { outputs } = inferNode(opCase.op, inputs, opCase.attributes, 'case');
        runOn(backend, opCase.op, inputs, outputs, opCase.attributes);
        if (round % 10 === 0) expect(() => runThrowing()).toThrow();
        expect(backend.memory.liveBytes, formatCase(opCase)).toBe(28);
      }
      backend.release(kept);
      expect(backend.memory.liveBytes).toBe(0);
    });

    /** `Concat` checks its inputs and allocates before it fails on an axis beyond them. */
    function runThrowing(): void {
      const inputs = { 0: floats([2, 3], 1), 1: floats([3, 3], 1) };
      runOn(backend, 'Concat', inputs, [{ dtype: 'float32', shape: [5, 3] }], { axis: 1 });
    }

    it('counts bytes of live tensors and their peak', () => {
      const a = uploadTo(backend, floats([10], 1));
      const b = uploadTo(backend, { dtype: 'bool', shape: [3], data: new Uint8Array(3) });
      expect(backend.memory).toEqual({ liveBytes: 43, peakBytes: 43 });
      backend.release(a);
      expect(backend.memory).toEqual({ liveBytes: 3, peakBytes: 43 });
      backend.release(b);
      expect(backend.memory.liveBytes).toBe(0);
    });

    it('is shared by the tensors that Reshape makes, released in any order', () => {
      const x = floats([2, 3], 1, 2, 3, 4, 5, 6);
      const output = { dtype: 'float32', shape: [3, 2] } as const;
      const node = { op: 'Reshape', inputs: { x }, outputs: [output], attributes: { shape: [3, 2] } };
      const reshape = backend.prepare(programNode(node));
      for (const order of [
        [0, 1, 2],
        [2, 1, 0],
        [1, 0, 2],
      ]) {
        const first = uploadTo(backend, x);
        const [second] = runPrepared(reshape, [first]);
        const [third] = runPrepared(reshape, [second!]);
        expect(backend.memory.liveBytes).toBe(24);
        const tensors = [first, second!, third!];
        for (const index of order.slice(0, 2)) backend.release(tensors[index]!);
        const last = tensors[order[2]!]!;
        expect([...readFrom(backend, last).data]).toEqual([1, 2, 3, 4, 5, 6]);
        backend.release(last);
        expect(backend.memory.liveBytes).toBe(0);
      }
    });

    it('is not given back twice', () => {
      const tensor = uploadTo(backend, floats([4], 1));
      backend.release(tensor);
      expect(caught(() => backend.release(tensor))).toMatchObject({ code: 'INTERNAL' });
      expect(backend.memory.liveBytes).toBe(0);
    });

    it('of empty tensors is zero bytes and they pass through kernels', () => {
      const a = floats([0, 3]);
      const [sum] = runOn(backend, 'Add', { a, b: floats([3], 1) }, [specOf(a)]);
      expect(sum).toEqual(a);
      expect(backend.memory).toEqual({ liveBytes: 0, peakBytes: 12 });
    });

    it('does not creep up in the heap when a matmul gets new matrices on every call', () => {
      const multiply = prepareMatmul(256, 256);
      const sizes = [0, 0].map(() => {
        for (let round = 0; round < 100; round++) multiplyOnce(multiply, floats([1, 256, 256], round));
        return heapBytes();
      });
      expect(sizes[1]).toBe(sizes[0]);
    });

    /** The heap's size, from the buffer that views of it share. */
    function heapBytes(): number {
      const probe = uploadTo(backend, floats([1], 1));
      const bytes = backend.read(probe).buffer.byteLength;
      backend.release(probe);
      return bytes;
    }
  });

  describe('without memory', () => {
    it('upload and nodes throw OUT_OF_MEMORY at memoryLimitBytes and leave nothing behind', async () => {
      const limited = await createKernelBackend(backendOptions({ memoryLimitBytes: 100 }));
      const x = uploadTo(limited, floats([8, 2], 1));
      expect(caught(() => uploadTo(limited, floats([10], 1)))).toMatchObject({
        code: 'OUT_OF_MEMORY',
        message: expect.stringMatching(/40 bytes with 64 bytes live/),
      });
      const half = { dtype: 'float32', shape: [2] } as const;
      const nodes = [
        { what: 'direct', op: 'Relu', outputs: [x], attributes: {} },
        { what: 'stock', op: 'Tile', outputs: [x], attributes: { reps: [1, 1] } },
        { what: 'intermediate', op: 'Sum', outputs: [half], attributes: { axis: 0, keepDims: false } },
        { what: 'cpu', op: 'Einsum', outputs: [x], attributes: { equation: 'ij->ij' } },
      ] as const;
      for (const { what, ...node } of nodes) {
        const inputs = what === 'cpu' ? { 0: x } : { x };
        const prepared = limited.prepare(programNode({ ...node, inputs }));
        const operands = Object.keys(inputs).map(() => x);
        expect(
          caught(() => runPrepared(prepared, operands)),
          what,
        ).toMatchObject({ code: 'OUT_OF_MEMORY' });
        expect(limited.memory.liveBytes).toBe(64);
      }
      limited.release(x);
      expect(limited.memory.liveBytes).toBe(0);
    });

    it('throws OUT_OF_MEMORY at the cap of the heap and goes on working', () => {
      const big = { dtype: 'float32', shape: [2 ** 29] } as const;
      const first = backend.upload(big, new Uint8Array(0));
      const error = caught(() => backend.upload(big, new Uint8Array(0)));
      expect(error).toMatchObject({
        code: 'OUT_OF_MEMORY',
        received: 2 ** 31,
        message: expect.stringContaining(`${2 ** 31} bytes live`),
      });
      // Beyond 2 GiB, where pointers are negative for WebAssembly.
      const [sum] = runOn(backend, 'Add', { a: floats([3], 1), b: floats([3], 2) }, [
        { dtype: 'float32', shape: [3] },
      ]);
      expect([...sum!.data]).toEqual([3, 3, 3]);
      backend.release(first);
      expect(backend.memory.liveBytes).toBe(0);
    });
  });

  it('computes right while the heap grows under kernels that hold views of it', () => {
    const shape = [256, 1024];
    const x = floats(shape, 1, 2, 3);
    const pack = backend.prepare(
      programNode({
        op: 'Pack',
        inputs: { 0: x, 1: x },
        outputs: [{ dtype: 'float32', shape: [2, ...shape] }],
        attributes: { axis: 0 },
      }),
    );
    const input = uploadTo(backend, x);
    const results: DeviceTensor[] = [];
    for (let round = 0; round < 50; round++) results.push(runPrepared(pack, [input, input])[0]!);
    for (const result of results) {
      const { data } = readFrom(backend, result);
      expect([data[0], data[1], data[2], data.at(-1)]).toEqual([
        1,
        2,
        3,
        1 + ((shape[0]! * shape[1]! - 1) % 3),
      ]);
      backend.release(result);
    }
    backend.release(input);
    expect(backend.memory.liveBytes).toBe(0);
  });

  describe('packed weights', () => {
    it('are those of the matrix at hand, also on memory and ids used before', () => {
      const multiply = prepareMatmul(2, 2);
      for (let round = 0; round < 10; round++) {
        expect(multiplyOnce(multiply, floats([1, 2, 2], round))).toEqual([2 * round, 2 * round]);
      }
    });

    it('are not those of the same memory under another shape', () => {
      const b = uploadTo(backend, floats([1, 2, 3], 1, 2, 3, 4, 5, 6));
      const target = matrix(3, 2);
      const node = {
        op: 'Reshape',
        inputs: { x: matrix(2, 3) },
        outputs: [target],
        attributes: { shape: [1, 3, 2] },
      };
      const [reshaped] = runPrepared(backend.prepare(programNode(node)), [b]);
      for (let round = 0; round < 2; round++) {
        expect(multiplyBy(prepareMatmul(2, 3), floats([1, 1, 2], 1), b)).toEqual([5, 7, 9]);
        expect(multiplyBy(prepareMatmul(3, 2), floats([1, 1, 3], 1), reshaped!)).toEqual([9, 12]);
      }
      backend.release(b);
      backend.release(reshaped!);
    });

    it('stay packed while the tensor lives', () => {
      const multiply = prepareMatmul(2, 2);
      const weights = uploadTo(backend, floats([1, 2, 2], 1));
      const row = floats([1, 1, 2], 1);
      expect(multiplyBy(multiply, row, weights)).toEqual([2, 2]);
      // The view is the tensor's memory: only a packed copy can still hold the ones.
      backend.read(weights).fill(0);
      expect(multiplyBy(multiply, row, weights)).toEqual([2, 2]);
      backend.release(weights);
    });
  });

  function prepareMatmul(rows: number, columns: number) {
    const inputs = { a: matrix(1, rows), b: matrix(rows, columns) };
    return backend.prepare(
      programNode({ op: 'BatchMatMul', inputs, outputs: [matrix(1, columns)], attributes: MATMUL }),
    );
  }

  /** A row vector times a matrix on the device. */
  function multiplyBy(multiply: ReturnType<typeof prepareMatmul>, row: Tensor, b: DeviceTensor): number[] {
    const a = uploadTo(backend, row);
    const [product] = runPrepared(multiply, [a, b]);
    const result = [...readFrom(backend, product!).data];
    backend.release(product!);
    backend.release(a);
    return result;
  }

  /** Ones times a new matrix. */
  function multiplyOnce(multiply: ReturnType<typeof prepareMatmul>, b: Tensor): number[] {
    const uploaded = uploadTo(backend, b);
    const result = multiplyBy(multiply, floats([1, 1, b.shape[1]!], 1), uploaded);
    backend.release(uploaded);
    return result;
  }
});
