import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inferNode, opNames } from '../kernels/ops/index.js';
import { createKernelBackend as createReference } from '../kernels/reference/backend.js';
import { createKernelBackend as createWasm } from '../kernels/wasm/backend.js';
import { createEngine } from '../runtime/create-engine.js';
import type { Engine } from '../runtime/engine.js';
import { GraphBuilder } from '../runtime/graph-builder.js';
import { trace } from '../runtime/trace.js';
import { CurfewError } from '../scheduler/errors.js';
import type { Graph } from '../scheduler/graph.js';
import type { ImmediateBackend } from '../scheduler/kernel.js';
import type { Tensor } from '../scheduler/tensor.js';
import { backendOptions, difference, runOn } from './support/one-node.js';
import { caseTensors, formatCase, type OpCase, opCases } from './support/op-cases.js';
import { runKernel, startBackend } from './support/tfjs-kernels.js';

const SEED = Number(process.env['CURFEW_SEED'] ?? 1);
const EXTREMES = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN];
const TOLERANCE = 1e-4;

/** The case with each of its numbers replaced by each extreme, one at a time; only what the op table accepts. */
function extremeCases(opCase: OpCase): OpCase[] {
  const numbers = Object.entries(opCase.attributes).filter(([, value]) => typeof value === 'number');
  return numbers
    .flatMap(([name]) =>
      EXTREMES.map((value) => ({ ...opCase, attributes: { ...opCase.attributes, [name]: value } })),
    )
    .filter(({ op, inputs, attributes }) => {
      try {
        return inferNode(op, inputs, attributes, 'case').outputs.length > 0;
      } catch (error) {
        if (error instanceof CurfewError) return false;
        throw error;
      }
    });
}

const CASES = opCases(SEED)
  .filter(({ except, randomValues }) => except?.cpu === undefined && randomValues === undefined)
  .flatMap(extremeCases);

describe(`ops with infinite and NaN attributes compute what TensorFlow.js computes on cpu (seed ${SEED})`, () => {
  let wasm: ImmediateBackend;
  let reference: ImmediateBackend;
  beforeAll(async () => {
    wasm = await createWasm(backendOptions());
    reference = await createReference(backendOptions());
    await startBackend('cpu');
  });
  afterAll(() => {
    wasm.close();
    reference.close();
  });

  function firstDifference(opCase: OpCase, backend: ImmediateBackend): string | undefined {
    const inputs = caseTensors(opCase, SEED);
    const { outputs } = inferNode(opCase.op, inputs, opCase.attributes, 'case');
    const expected = runKernel(opCase, inputs, 'cpu');
    const actual = runOn(backend, opCase.op, inputs, outputs, opCase.attributes);
    return expected
      .map((tensor, index) => difference(actual[index]!, tensor, TOLERANCE))
      .find((text) => text !== undefined);
  }

  const ops = opNames().filter((name) => CASES.some(({ op }) => op === name));
  it.each(ops)('%s', (name) => {
    const differences = CASES.filter(({ op }) => op === name).flatMap((opCase) =>
      Object.entries({ wasm, reference }).flatMap(([device, backend]) => {
        const text = firstDifference(opCase, backend);
        return text === undefined
          ? []
          : [`${device} ${formatCase(opCase)} ${String(Object.values(opCase.attributes))}: ${text}`];
      }),
    );
    expect(differences).toEqual([]);
  });
});

const X = { dtype: 'float32', shape: [2, 3] } as const;
const DATA = Float32Array.of(-1, 2, -3, 4, 5, -6);
const BOXES = [0, 0, 1, 1, 0, 0, 1, 1.1, 0, 5, 1, 6];
const SCORES = [0.5, 0.9, -4];

describe('graphs with infinite and NaN attributes', () => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await createEngine();
    await startBackend('cpu');
  });
  afterAll(() => engine.close());

  /** The only output, and where nodes ran on the cpu. */
  async function run(graph: Graph, feeds: Record<string, Tensor | Float32Array>) {
    const executable = await engine.compile(graph);
    const { outputs } = await executable.run(feeds);
    executable.dispose();
    return { data: Object.values(outputs)[0]!.data, fallbacks: executable.fallbacks.map(({ op }) => op) };
  }

  it.each<[string, (x: tf.Tensor) => tf.Tensor, readonly string[]]>([
    ['tf.clipByValue(x, 0, Infinity)', (x) => tf.clipByValue(x, 0, Infinity), []],
    ['tf.clipByValue(x, -Infinity, 3)', (x) => tf.clipByValue(x, -Infinity, 3), []],
    [
      'tf.pad(x, …, -Infinity)',
      (x) =>
        tf.pad(
          x,
          [
            [1, 0],
            [0, 2],
          ],
          -Infinity,
        ),
      [],
    ],
    [
      'tf.pad(x, …, NaN)',
      (x) =>
        tf.pad(
          x,
          [
            [1, 0],
            [0, 2],
          ],
          Number.NaN,
        ),
      ['PadV2'],
    ],
    ['tf.leakyRelu(x, Infinity)', (x) => tf.leakyRelu(x, Infinity), ['LeakyRelu']],
  ])('are traced and run: %s', async (_, fn, onCpu) => {
    const graph = await trace(({ x }) => fn(x), { x: X });
    const { data, fallbacks } = await run(graph, { x: DATA });
    expect(data).toEqual(fn(tf.tensor(DATA, [2, 3])).dataSync());
    expect(fallbacks).toEqual(onCpu);
  });

  it('are built by hand and run: NonMaxSuppressionV3 without a score threshold', async () => {
    const expected = tf.image
      .nonMaxSuppression(tf.tensor2d(BOXES, [3, 4]), tf.tensor1d(SCORES), 2)
      .dataSync();
    const builder = new GraphBuilder();
    const boxes = builder.input('boxes', { dtype: 'float32', shape: [3, 4] });
    const scores = builder.input('scores', { dtype: 'float32', shape: [3] });
    const attributes = { maxOutputSize: 2, iouThreshold: 0.5, scoreThreshold: Number.NEGATIVE_INFINITY };
    const outputs = [{ dtype: 'int32', shape: [2] }] as const;
    builder.output('kept', builder.kernel('NonMaxSuppressionV3', { boxes, scores }, attributes, { outputs }));
    const feeds = { boxes: Float32Array.from(BOXES), scores: Float32Array.from(SCORES) };
    expect(await run(builder.build(), feeds)).toEqual({ data: expected, fallbacks: [] });
    expect([...expected]).toEqual([1, 2]);
  });

  it('are no reason to refuse an op that is refused for another', async () => {
    const fn = ({ boxes, scores }: Record<string, tf.Tensor>) =>
      tf.image.nonMaxSuppression(boxes as tf.Tensor2D, scores as tf.Tensor1D, 2);
    const inputs = {
      boxes: { dtype: 'float32', shape: [3, 4] },
      scores: { dtype: 'float32', shape: [3] },
    } as const;
    await expect(trace(fn, inputs)).rejects.toMatchObject({ code: 'UNSUPPORTED_OP' });
  });
});
