import type { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKernelBackend as createReference } from '../kernels/reference/backend.js';
import { createKernelBackend } from '../kernels/wasm/backend.js';
import { Heap } from '../kernels/wasm/heap.js';
import { loadModule } from '../kernels/wasm/module.js';
import { StockBackend } from '../kernels/wasm/stock-backend.js';
import { prepareStockNode } from '../kernels/wasm/stock-node.js';
import type { Attributes } from '../scheduler/graph.js';
import type { ImmediateBackend } from '../scheduler/kernel.js';
import type { Tensor, TensorSpec } from '../scheduler/tensor.js';
import { caught } from './support/catch-error.js';
import { backendOptions, programNode, runOn } from './support/one-node.js';
import { floats, ints } from './support/tensors.js';

const { NEGATIVE_INFINITY: MINUS, POSITIVE_INFINITY: PLUS } = Number;

type Inputs = Readonly<Record<string, Tensor>>;

let backend: ImmediateBackend;
let reference: ImmediateBackend;
beforeEach(async () => {
  backend = await createKernelBackend(backendOptions());
  reference = await createReference(backendOptions());
});
afterEach(() => {
  backend.close();
  reference.close();
});

describe('wasm fails the node', () => {
  it('whose kernel gives another tensor than its specs promise, and counts right', () => {
    const x = ints([4], 1, 1, 2, 3);
    const outputs = [
      { dtype: 'int32', shape: [4] },
      { dtype: 'int32', shape: [4] },
    ] as const;
    for (const device of [backend, reference]) {
      const error = caught(() => runOn(device, 'Unique', { x }, outputs, { axis: 0 }));
      expect(error).toMatchObject({
        code: 'KERNEL_FAILED',
        node: 'the Unique',
        expected: 'int32[4]',
        received: 'int32[3]',
      });
      expect(device.memory.liveBytes).toBe(0);
    }
  });

  it('whose kernel has fewer outputs than its specs', () => {
    const x = floats([2], 1);
    const outputs = Array<TensorSpec>(3).fill({ dtype: 'float32', shape: [2] });
    expect(caught(() => runOn(backend, 'Tile', { x }, outputs, { reps: [1] }))).toMatchObject({
      code: 'KERNEL_FAILED',
      received: 'nothing',
    });
    expect(backend.memory.liveBytes).toBe(0);
  });

  it.each([
    [1000, 1],
    [1, 1000],
  ])('whose kernel says that it has %i elements and makes %i', async (said, made) => {
    const outputs = [{ dtype: 'float32', shape: [said] }] as const;
    const expected = {
      code: 'KERNEL_FAILED',
      expected: `float32[${said}] of ${4 * said} bytes`,
      received: `${4 * made} bytes`,
    };
    const module = await loadModule();
    const heap = new Heap(module, undefined);
    const stock = new StockBackend(heap, module);
    const onWasm: tf.KernelFunc = () => ({ ...stock.makeOutput([made], 'float32'), shape: [said] });
    const node = programNode({ op: 'Odd', inputs: {}, outputs });
    expect(caught(() => prepareStockNode(onWasm, node, stock, heap, module)([]))).toMatchObject(expected);
    expect(heap.memory.liveBytes).toBe(0);

    const onCpu: tf.KernelFunc = ({ backend: cpu }) =>
      (cpu as MathBackendCPU).makeTensorInfo([said], 'float32', new Float32Array(made));
    tf.registerKernel({ kernelName: 'Odd', backendName: 'cpu', kernelFunc: onCpu });
    for (const device of [backend, reference])
      expect(caught(() => runOn(device, 'Odd', {}, outputs))).toMatchObject(expected);
    tf.unregisterKernel('Odd', 'cpu');
  });

  it.each([
    ['Einsum', { 0: floats([1, 3, 3], 1) }, { equation: 'ij->ji' }, [3, 1]],
    [
      'SparseSegmentSum',
      { data: floats([2, 2], 1), indices: ints([2], 0, 1), segmentIds: ints([0]) },
      {},
      [1, 2],
    ],
  ])('whose kernel makes up a size (%s), and counts right', (op, inputs: Inputs, attributes, shape) => {
    const error = caught(() => runOn(backend, op, inputs, [{ dtype: 'float32', shape }], attributes));
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toMatchObject({ code: 'INTERNAL' });
    expect(backend.memory).toEqual({ liveBytes: 0, peakBytes: expect.any(Number) });
  });

  it('whose kernel gives up and says so in print alone, and runs the next one', () => {
    // XNNPACK pads six dimensions at most.
    const x = floats([1, 1, 1, 1, 1, 1, 2], 1, 2);
    const pad = { paddings: Array(7).fill([0, 0]), constantValue: 0 };
    expect(String(caught(() => runOn(backend, 'PadV2', { x }, [x], pad)))).toMatch(/gave up: XNN status/);
    expect(backend.memory.liveBytes).toBe(0);
    expect([...runOn(backend, 'Relu', { x: floats([2], -1, 1) }, [floats([2])])[0]!.data]).toEqual([0, 1]);
  });
});

describe('non-maximum suppression', () => {
  const boxes = floats([4, 4], 0, 0, 1, 1, 0, 0, 1, 1.1, 0, 2, 1, 3, 0, 2, 1, 3.2);
  const scores = floats([4], 0.9, 0.8, -5, 0.3);
  const inputs = { boxes, scores };
  const indices = (count: number) => ({ dtype: 'int32', shape: [count] }) as const;
  const chosen = { dtype: 'float32', shape: [2] } as const;
  const defaults = { maxOutputSize: 10, iouThreshold: 0.5, scoreThreshold: MINUS };
  const padded = { ...defaults, maxOutputSize: 3, padToMaxOutputSize: true };

  it.each([
    ['NonMaxSuppressionV3', defaults, [indices(2)]],
    ['NonMaxSuppressionV3', { ...defaults, scoreThreshold: PLUS }, [indices(0)]],
    ['NonMaxSuppressionV3', { ...defaults, iouThreshold: PLUS }, [indices(4)]],
    ['NonMaxSuppressionV4', padded, [indices(3), { dtype: 'int32', shape: [] }]],
    ['NonMaxSuppressionV5', { ...defaults, softNmsSigma: 0 }, [indices(2), chosen]],
  ])('%s takes infinite thresholds', (op, attributes: Attributes, outputs) => {
    expect(
      backend.prepare(programNode({ op, inputs, attributes, outputs: outputs as TensorSpec[] })).fallback,
    ).toBeUndefined();
    const [actual, expected] = [backend, reference].map((device) =>
      runOn(device, op, inputs, outputs as TensorSpec[], attributes),
    );
    expect(actual).toEqual(expected);
  });

  it.each([
    { ...inputs, scores: floats([2], 1) },
    { ...inputs, boxes: floats([2, 2, 4], 1) },
    { ...inputs, scores: ints([4], 1) },
  ])('of inputs that are not as many as they should be runs on the cpu, which reads no further', (wrong) => {
    const node = programNode({
      op: 'NonMaxSuppressionV3',
      inputs: wrong,
      attributes: defaults,
      outputs: [indices(1)],
    });
    expect(backend.prepare(node).fallback).toBe('cpu');
  });
});
