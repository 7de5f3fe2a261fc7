import { createHash } from 'node:crypto';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as layers from '@tensorflow/tfjs-layers';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { buildMobileNetV2 } from '../bench/models/mobilenet-v2.js';
import { buildTrainingStep } from '../bench/models/training-step.js';
import { seededUniform, spread } from '../bench/models/weights.js';
import { interpret } from '../kernels/reference/interpret.js';
import { trace } from '../runtime/trace.js';
import { CurfewError } from '../scheduler/errors.js';
import type { ConstantNode, Graph, KernelNode } from '../scheduler/graph.js';
import type { Tensor, TensorSpec } from '../scheduler/tensor.js';
import { smallGraphModel } from './support/graph-model.js';

const VECTOR = { dtype: 'float32', shape: [3] } as const;
const next = seededUniform(20240607);

function randomTensor(...shape: number[]): Tensor {
  return { dtype: 'float32', shape, data: spread(next, tf.util.sizeFromShape(shape), 0, 1) };
}

function toTfjs({ data, shape, dtype }: Tensor): tf.Tensor {
  return tf.tensor(data, [...shape], dtype);
}

function kernels(graph: Graph): KernelNode[] {
  return graph.nodes.filter((node) => node.kind === 'kernel');
}

function constants(graph: Graph): ConstantNode[] {
  return graph.nodes.filter((node) => node.kind === 'constant');
}

function ops(graph: Graph): string[] {
  return kernels(graph).map(({ op }) => op);
}

async function failure(promise: Promise<unknown>): Promise<CurfewError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof CurfewError) return error;
  throw error ?? new Error('nothing was thrown');
}

const instances: object[] = [];

/** Stands for an object in comparisons: a backend has all of Node.js in it. */
function instanceNumber(instance: object): number {
  if (!instances.includes(instance)) instances.push(instance);
  return instances.indexOf(instance);
}

/** Everything of TensorFlow.js's state that a trace must leave alone. */
function engineState() {
  const { state } = tf.engine();
  const { numTensors, numDataBuffers, numBytes } = tf.memory();
  return {
    backend: tf.getBackend(),
    instance: instanceNumber(tf.backend()),
    backends: tf.engine().backendNames(),
    memory: { numTensors, numDataBuffers, numBytes },
    variables: Object.values(tf.engine().registeredVariables).map((variable) => [
      variable.name,
      instanceNumber(variable.dataId),
      createHash('sha256').update(new Uint8Array(variable.dataSync().buffer)).digest('hex'),
    ]),
    dataIds: tf.backend().numDataIds(),
    scopes: [state.activeScope?.id, ...state.scopeStack.map(({ id }) => id)],
    tapeLength: state.activeTape?.length,
    depths: [state.gradientDepth, state.kernelDepth],
    debug: tf.env().getBool('DEBUG'),
    patched: ['trackTensor', 'makeVariable'].filter((method) => Object.hasOwn(tf.engine(), method)),
    kernels: tf.getKernelsForBackend('curfew-trace').length,
  };
}

/** Compares a graph's results with those of the function itself on TensorFlow.js. */
async function expectSameAs(
  graph: Graph,
  fn: (inputs: Record<string, tf.Tensor>) => Record<string, tf.Tensor>,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Record<string, Tensor>> {
  const received = await interpret(graph, { ...feeds });
  const expected = tf.tidy(() => {
    const tensors = Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, toTfjs(feed)]));
    const results = Object.entries(fn(tensors));
    return results.map(([name, tensor]) => ({
      name,
      shape: tensor.shape,
      data: Array.from(tensor.dataSync()),
    }));
  });
  expect(Object.keys(received).sort()).toEqual(expected.map(({ name }) => name).sort());
  for (const { name, shape, data } of expected) {
    expect(received[name]!.shape).toEqual(shape);
    const worst = data.reduce(
      (max, value, i) => Math.max(max, Math.abs(value - received[name]!.data[i]!)),
      0,
    );
    expect(worst, name).toBeLessThan(1e-5);
  }
  return received;
}

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('trace()', () => {
  let before: ReturnType<typeof engineState>;
  beforeEach(() => {
    before = engineState();
  });

  it('records the kernels a function calls, with inputs under their names', async () => {
    const graph = await trace(({ x, y }) => ({ sum: tf.relu(tf.add(x, y)), same: x }), {
      x: VECTOR,
      y: { dtype: 'float32', shape: [2, 1] },
    });
    expect(ops(graph)).toEqual(['Add', 'Relu']);
    expect(graph.inputs).toEqual({ x: VECTOR, y: { dtype: 'float32', shape: [2, 1] } });
    expect(graph.outputs).toEqual({ sum: { dtype: 'float32', shape: [2, 3] }, same: VECTOR });
    expect(graph.outputValues.get('same')).toBe(graph.inputValues.get('x'));
    expect(engineState()).toEqual(before);
  });

  it('names outputs by what the function returns', async () => {
    const single = await trace(({ x }) => tf.neg(x), { x: VECTOR });
    expect(Object.keys(single.outputs)).toEqual(['output']);
    const array = await trace(({ x }) => tf.split(x, 3), { x: VECTOR });
    expect(Object.keys(array.outputs)).toEqual(['output_0', 'output_1', 'output_2']);
    expect(ops(array)).toEqual(['SplitV']);
    const record = await trace(({ x }) => ({ parts: tf.split(x, 1), x }), { x: VECTOR });
    expect(Object.keys(record.outputs)).toEqual(['parts_0', 'x']);
  });

  it('gives the results of the function, for dtypes and multiple outputs alike', async () => {
    const fn = ({ x, i }: Record<string, tf.Tensor>) => {
      const { values, indices } = tf.topk(x!, 2);
      const mask = tf.greater(tf.gather(x!, i!), 0);
      return { values, indices, chosen: tf.where(mask, tf.gather(x!, i!), tf.zeros([2])), mask };
    };
    const inputs = { x: { dtype: 'float32', shape: [4] }, i: { dtype: 'int32', shape: [2] } } as const;
    const graph = await trace(fn, inputs);
    expect(graph.outputs['mask']!.dtype).toBe('bool');
    expect(graph.outputs['indices']!.dtype).toBe('int32');
    const indices: Tensor = { dtype: 'int32', shape: [2], data: new Int32Array([3, 1]) };
    await expectSameAs(graph, fn, { x: randomTensor(4), i: indices });
  });

  it('computes at once what depends on constants only', async () => {
    const graph = await trace(({ x }) => tf.mul(x, tf.exp(tf.add(tf.tensor1d([1, 2, 3]), 1))), { x: VECTOR });
    expect(ops(graph)).toEqual(['Multiply']);
    expect(constants(graph)).toHaveLength(1);
    expect(constants(graph)[0]!.data[2]).toBeCloseTo(Math.exp(4), 3);
  });

  it('takes the shape of an input for a constant', async () => {
    const graph = await trace(({ x }) => tf.add(x, tf.onesLike(x)), { x: VECTOR });
    expect(ops(graph)).toEqual(['Add']);
    expect(constants(graph)[0]!.data).toEqual(new Float32Array([1, 1, 1]));
  });

  it('leaves out what no output needs, and nodes that change nothing', async () => {
    const graph = await trace(
      ({ x }) => {
        tf.exp(tf.add(x, tf.ones([3])));
        return tf.square(tf.reshape(tf.cast(tf.clone(x), 'float32'), [3]));
      },
      { x: VECTOR, unused: VECTOR },
    );
    expect(ops(graph)).toEqual(['Square']);
    expect(constants(graph)).toEqual([]);
    expect(Object.keys(graph.inputs)).toEqual(['x', 'unused']);
  });

  it('copies a tensor of the caller once, and keeps the copy when the tensor changes', async () => {
    const data = new Float32Array([1, 2, 3]);
    const weights = tf.tensor1d(data);
    before = engineState();
    const graph = await trace(
      ({ x }) => [tf.add(x, weights), tf.mul(tf.clone(weights), x), tf.sub(tf.reshape(weights, [3]), x)],
      { x: VECTOR },
    );
    expect(engineState()).toEqual(before);
    data.fill(0);
    expect(constants(graph).map((constant) => constant.data)).toEqual([new Float32Array([1, 2, 3])]);
    weights.dispose();
  });

  it('does not let an op that writes into its input change a constant', async () => {
    const weights = tf.tensor1d([1, 2, 3]);
    const graph = await trace(
      ({ x }) => {
        const own = tf.tensor1d([4, 5, 6]);
        const update = (tensor: tf.Tensor) => tf.tensorScatterUpdate(tensor, [[0]], tf.tensor1d([9]));
        return [tf.add(x, weights), tf.add(x, own), tf.add(x, update(weights)), tf.add(x, update(own))];
      },
      { x: VECTOR },
    );
    expect(constants(graph).map(({ data }) => [...data])).toEqual([
      [1, 2, 3],
      [4, 5, 6],
      [9, 2, 3],
      [9, 5, 6],
    ]);
    expect([...weights.dataSync()]).toEqual([1, 2, 3]);
    weights.dispose();
  });

  it('converts a constant that was cast without touching its data', async () => {
    const counts = tf.tensor1d([1, 2, 3], 'int32');
    const graph = await trace(({ x }) => tf.add(x, tf.cast(counts, 'float32')), { x: VECTOR });
    expect(constants(graph)[0]!.data).toEqual(new Float32Array([1, 2, 3]));
    counts.dispose();
  });

  it('returns constants as outputs', async () => {
    const graph = await trace(() => ({ answer: tf.scalar(42, 'int32') }), {});
    expect((await interpret(graph, {}))['answer']!.data).toEqual(new Int32Array([42]));
  });

  it('records gradients', async () => {
    const fn = ({ x }: Record<string, tf.Tensor>) => ({
      gradient: tf.grad((z) => tf.sum(tf.mul(tf.tanh(z), z)))(x!),
      second: tf.grad((z) => tf.sum(tf.grad((y) => tf.sum(tf.pow(y, 3)))(z)))(x!),
    });
    const graph = await trace(fn, { x: VECTOR });
    expect(engineState()).toEqual(before);
    await expectSameAs(graph, fn, { x: randomTensor(3) });
  });

  it('runs inside scopes: tidy, keep and dispose', async () => {
    const graph = await trace(
      ({ x }) => {
        const kept = tf.keep(tf.neg(x));
        const y = tf.tidy(() => tf.abs(tf.add(kept, tf.scalar(1))));
        kept.dispose();
        x.dispose();
        return y;
      },
      { x: VECTOR },
    );
    expect(ops(graph)).toEqual(['Neg', 'Add', 'Abs']);
    expect(engineState()).toEqual(before);
  });

  it('disposes what the function leaves behind', async () => {
    let leaked: tf.Tensor | undefined;
    await trace(
      ({ x }) => {
        leaked = tf.keep(tf.neg(x));
        return tf.add(x, leaked);
      },
      { x: VECTOR },
    );
    expect(() => leaked!.dataSync()).toThrow(/disposed/);
    expect(engineState()).toEqual(before);
  });

  it('lets a kept constant outlive the trace', async () => {
    let kept: tf.Tensor | undefined;
    await trace(
      ({ x }) => {
        kept = tf.keep(tf.mul(tf.tensor1d([1, 2, 3]), 2));
        return tf.add(x, kept);
      },
      { x: VECTOR },
    );
    expect([...tf.neg(kept!).dataSync()]).toEqual([-2, -4, -6]);
    expect(tf.memory().numTensors).toBe(before.memory.numTensors + 2);
    kept!.dispose();
  });

  it('names nodes after ops, and after the layer where a weight tells', async () => {
    const model = layers.sequential({
      layers: [layers.layers.dense({ inputShape: [3], units: 2, name: 'head', useBias: false })],
    });
    const graph = await trace(({ x }) => tf.relu(tf.relu(model.predict(x) as tf.Tensor)), {
      x: { dtype: 'float32', shape: [1, 3] },
    });
    expect(kernels(graph).map(({ name }) => name)).toEqual([
      'Reshape',
      'head/_FusedMatMul',
      'Reshape_1',
      'Relu',
      'Relu_1',
    ]);
    expect(constants(graph).map(({ name }) => name)).toEqual(['head/kernel']);
    model.dispose();
  });

  it('runs ops of the caller that only the cpu backend knows, with shapes found by trying', async () => {
    const kernelFunc: tf.KernelFunc = ({ inputs, backend }) => {
      const { dtype, shape } = inputs['x']!;
      const cpu = backend as {
        makeTensorInfo(shape: number[], dtype: tf.DataType, values: object): tf.TensorInfo;
      };
      return cpu.makeTensorInfo([...shape, 2], dtype, new Float32Array(tf.util.sizeFromShape(shape) * 2));
    };
    tf.registerKernel({ kernelName: 'Twice', backendName: 'cpu', kernelFunc });
    try {
      const twice = (x: tf.Tensor): tf.Tensor => tf.engine().runKernel('Twice', { x });
      const graph = await trace(({ x }) => twice(x), { x: VECTOR });
      expect(graph.outputs['output']).toEqual({ dtype: 'float32', shape: [3, 2] });
      expect(kernels(graph)[0]!.cost).toEqual({ operations: 6, bytes: 36 });
    } finally {
      tf.unregisterKernel('Twice', 'cpu');
    }
  });

  it('works in debug mode, in test mode and while profiling, and leaves them on', async () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const log = vi.spyOn(console, 'log').mockImplementation(() => {});
    tf.env().set('IS_TEST', true);
    tf.env().set('DEBUG', true);
    const announced = warn.mock.calls.length;
    const profile = await tf.profile(async () => {
      const graph = await trace(({ x }) => tf.add(x, tf.neg(tf.tensor1d([1, 2, 3]))), { x: VECTOR });
      expect(ops(graph)).toEqual(['Add']);
      return tf.scalar(0);
    });
    expect(profile.kernels).toEqual([]);
    expect(tf.env().getBool('DEBUG')).toBe(true);
    expect(warn.mock.calls.length).toBe(announced);
    tf.env().set('DEBUG', false);
    tf.env().set('IS_TEST', false);
    warn.mockRestore();
    log.mockRestore();
  });
});

describe('trace() of models', () => {
  it('records a Keras network and matches its predictions', async () => {
    const model = layers.sequential({
      layers: [
        layers.layers.conv2d({ inputShape: [8, 8, 2], filters: 3, kernelSize: 3, activation: 'relu' }),
        layers.layers.batchNormalization(),
        layers.layers.maxPooling2d({ poolSize: 2 }),
        layers.layers.dropout({ rate: 0.5 }),
        layers.layers.flatten(),
        layers.layers.dense({ units: 4, activation: 'softmax' }),
      ],
    });
    const before = engineState();
    const fn = ({ x }: Record<string, tf.Tensor>) => ({ y: model.predict(x!) as tf.Tensor });
    // More than one of Keras' batches of 32.
    const graph = await trace(fn, { x: { dtype: 'float32', shape: [40, 8, 8, 2] } });
    expect(engineState()).toEqual(before);
    await expectSameAs(graph, fn, { x: randomTensor(40, 8, 8, 2) });
    model.dispose();
  });

  it('records recurrent layers', async () => {
    const lstm = layers.layers.lstm({ inputShape: [3, 2], units: 4, recurrentInitializer: 'glorotUniform' });
    const model = layers.sequential({ layers: [lstm] });
    const fn = ({ x }: Record<string, tf.Tensor>) => ({ y: model.predict(x!) as tf.Tensor });
    const graph = await trace(fn, { x: { dtype: 'float32', shape: [1, 3, 2] } });
    await expectSameAs(graph, fn, { x: randomTensor(1, 3, 2) });
    model.dispose();
  });

  it('records GraphModel.execute', async () => {
    const model = await smallGraphModel();
    const before = engineState();
    const fn = ({ x }: Record<string, tf.Tensor>) => ({ y: model.execute({ x: x! }) as tf.Tensor });
    const graph = await trace(fn, { x: { dtype: 'float32', shape: [2, 3] } });
    expect(engineState()).toEqual(before);
    expect(ops(graph)).toEqual(['BatchMatMul', 'Relu', 'Reshape']);
    await expectSameAs(graph, fn, { x: randomTensor(2, 3) });
    model.dispose();
  });

  it('records MobileNetV2', async () => {
    const small = buildMobileNetV2({ alpha: 0.35, size: 32, classes: 10 });
    const fn = ({ x }: Record<string, tf.Tensor>) => ({ y: small.predict(x!) as tf.Tensor });
    const graph = await trace(fn, { x: { dtype: 'float32', shape: [1, 32, 32, 3] } });
    const { y } = await expectSameAs(graph, fn, { x: randomTensor(1, 32, 32, 3) });
    expect(Math.max(...y!.data)).toBeGreaterThan(0.15);
    expect(Math.max(...y!.data)).toBeLessThan(0.999);
    small.dispose();

    const model = buildMobileNetV2();
    const before = engineState();
    const startMs = performance.now();
    const full = await trace(({ x }) => ({ y: model.predict(x) }), {
      x: { dtype: 'float32', shape: [1, 224, 224, 3] },
    });
    console.log(
      `MobileNetV2: ${Math.round(performance.now() - startMs)} ms, ${kernels(full).length} kernels`,
    );
    expect(engineState()).toEqual(before);
    expect(full.outputs['y']).toEqual({ dtype: 'float32', shape: [1, 1000] });
    model.dispose();
  });

  it('records an Adam step whose state is fed back, as TensorFlow.js computes it', async () => {
    const step = buildTrainingStep();
    const before = engineState();
    const graph = await trace(step.fn, step.inputs);
    expect(engineState()).toEqual(before);
    let feeds = step.feeds;
    const losses: number[] = [];
    for (let count = 0; count < 3; count++) {
      const { loss, ...state } = await expectSameAs(graph, step.fn, feeds);
      losses.push(loss!.data[0]!);
      feeds = { ...feeds, ...state };
    }
    expect(losses[2]).toBeLessThan(losses[0]!);
    step.dispose();
  });
});

describe('trace() and variables', () => {
  const inputs = { x: VECTOR } as const;

  it('gives variables back their values and data, also when the function throws', async () => {
    const w = tf.variable(tf.tensor1d([1, 2, 3]), true, 'w');
    const before = engineState();
    const graph = await trace(({ x }) => {
      w.assign(tf.add(w, x));
      w.assign(tf.mul(w, 2));
      return { w, y: tf.neg(w) };
    }, inputs);
    expect(engineState()).toEqual(before);
    const feed: Tensor = { ...VECTOR, data: new Float32Array([1, 1, 1]) };
    const { w: result, y } = await interpret(graph, { x: feed });
    expect([...result!.data]).toEqual([4, 6, 8]);
    expect([...y!.data]).toEqual([-4, -6, -8]);
    const boom = new Error('boom');
    const failing = trace(({ x }) => {
      w.assign(tf.add(w, x));
      tf.keep(tf.clone(w));
      tf.grad((z) => {
        if (tf.square(z).rank === 1) throw boom;
        return z;
      })(w);
      return w;
    }, inputs);
    await expect(failing).rejects.toBe(boom);
    expect(engineState()).toEqual(before);
    w.dispose();
  });

  it('leaves an optimizer whose accumulators it made usable', async () => {
    const train = (optimizer: tf.Optimizer, w: tf.Variable, x: tf.Tensor) =>
      optimizer.minimize(() => tf.sum(tf.square(tf.mul(w, x))) as tf.Scalar, true, [w])!;
    const make = (name: string) => ({
      optimizer: tf.train.adam(0.1),
      w: tf.variable(tf.tensor1d([1, 2, 3]), true, name),
    });
    const traced = make('traced');
    const fresh = make('fresh');
    const bytes = tf.memory().numBytes;
    await trace(({ x }) => ({ loss: train(traced.optimizer, traced.w, x), w: traced.w }), inputs);
    // Two accumulators of three floats.
    expect(tf.memory().numBytes - bytes).toBe(24);
    const x = tf.tensor1d([1, 2, 3]);
    for (const { optimizer, w } of [traced, fresh]) train(optimizer, w, x).dispose();
    expect([...traced.w.dataSync()]).toEqual([...fresh.w.dataSync()]);
    tf.dispose([x, traced.w, fresh.w]);
    traced.optimizer.dispose();
    fresh.optimizer.dispose();
  });

  it('keeps an optimizer made inside the function usable', async () => {
    const w = tf.variable(tf.tensor1d([1, 2, 3]));
    let optimizer: tf.Optimizer | undefined;
    await trace(({ x }) => {
      optimizer = tf.train.sgd(0.5);
      optimizer.minimize(() => tf.sum(tf.mul(w, x)) as tf.Scalar, false, [w]);
      return w;
    }, inputs);
    optimizer!.minimize(() => tf.sum(w) as tf.Scalar, false, [w]);
    expect([...w.dataSync()]).toEqual([0.5, 1.5, 2.5]);
    w.dispose();
    optimizer!.dispose();
  });

  it('disposes variables that depend on an input', async () => {
    const before = engineState();
    const graph = await trace(({ x }) => {
      const v = tf.variable(x);
      v.assign(tf.zeros([3]));
      v.assign(tf.neg(x));
      return v;
    }, inputs);
    expect(ops(graph)).toEqual(['Neg']);
    expect(engineState()).toEqual(before);
  });

  it('builds a model inside the function, and it works afterwards', async () => {
    let model: layers.Sequential | undefined;
    const graph = await trace(({ x }) => {
      model = layers.sequential({ layers: [layers.layers.dense({ inputShape: [3], units: 2 })] });
      return { y: model.predict(tf.reshape(x, [1, 3])) as tf.Tensor };
    }, inputs);
    const fn = ({ x }: Record<string, tf.Tensor>) => ({
      y: model!.predict(tf.reshape(x!, [1, 3])) as tf.Tensor,
    });
    await expectSameAs(graph, fn, { x: randomTensor(3) });
    model!.dispose();
  });

  it('lets the function dispose variables and tensors of the caller', async () => {
    const before = engineState();
    const v = tf.variable(tf.tensor1d([1, 2, 3]));
    const t = tf.tensor1d([4, 5, 6]);
    const graph = await trace(({ x }) => {
      const y = tf.add(tf.mul(x, v), t);
      v.dispose();
      t.dispose();
      return y;
    }, inputs);
    expect(constants(graph).map(({ data }) => [...data])).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    expect(tf.memory().numTensors).toBe(before.memory.numTensors + 1);
  });
});

describe('trace() refuses', () => {
  let before: ReturnType<typeof engineState>;
  beforeEach(() => {
    before = engineState();
  });
  afterEach(() => {
    expect(engineState()).toEqual(before);
  });
  const inputs = { x: VECTOR } as const;

  it.each([
    ['dataSync', (x: tf.Tensor) => void x.dataSync()],
    ['arraySync', (x: tf.Tensor) => void x.arraySync()],
    ['print', (x: tf.Tensor) => x.print()],
    ['data', (x: tf.Tensor) => void x.data()],
    ['array', (x: tf.Tensor) => void x.array()],
  ])('reading a value by %s, naming the node', async (_, read) => {
    const error = await failure(
      trace(({ x }) => {
        const y = tf.neg(x);
        read(y);
        return y;
      }, inputs),
    );
    expect(error.code).toBe('INVALID_TRACE');
    expect(error.message).toMatch(/node "Neg" \(Neg\)/);
    expect((await failure(trace(({ x }) => [x, read(x) ?? x], inputs))).message).toMatch(/input "x"/);
  });

  it('a read whose error the function catches', async () => {
    const swallowing = trace(({ x }) => {
      try {
        x.dataSync();
      } catch {}
      return x;
    }, inputs);
    expect((await failure(swallowing)).code).toBe('INVALID_TRACE');
  });

  it('asynchronous functions', async () => {
    const asynchronous = async ({ x }: { x: tf.Tensor }) => {
      await x.data();
      return tf.neg(x);
    };
    const error = await failure(trace(asynchronous as never, inputs));
    expect(error.code).toBe('INVALID_TRACE');
    const rejecting = async () => {
      throw new Error('not handled by anyone');
    };
    expect((await failure(trace(rejecting as never, inputs))).message).toMatch(/synchronous/);
  });

  it('a trace inside a trace', async () => {
    let inner: Promise<unknown> | undefined;
    const outer = trace(({ x }) => {
      inner = trace(() => tf.scalar(1), {});
      return x;
    }, inputs);
    expect((await failure(outer)).message).toMatch(/nested/);
    expect((await failure(inner!)).code).toBe('INVALID_TRACE');
    const after = await trace(({ x }) => x, inputs);
    expect(after.nodes).toHaveLength(1);
  });

  it.each([
    ['nothing', undefined],
    ['a number', 7],
    ['a record of something else', { y: 7 }],
    ['an array of something else', [null]],
    ['no tensors', {}],
    ['an empty array', []],
  ])('%s as the result', async (_, result) => {
    expect((await failure(trace(() => result as never, inputs))).code).toBe('INVALID_TRACE');
  });

  it('a disposed tensor as a result, and two outputs of one name', async () => {
    const gone = trace(({ x }) => {
      const y = tf.neg(x);
      y.dispose();
      return { y };
    }, inputs);
    expect((await failure(gone)).message).toMatch(/disposed/);
    const twice = trace(({ x }) => ({ a: [x], a_0: x }), inputs);
    expect((await failure(twice)).code).toBe('INVALID_TRACE');
  });

  it('a change of backend', async () => {
    const error = await failure(
      trace(({ x }) => {
        void tf.setBackend('cpu');
        return x;
      }, inputs),
    );
    expect(error.message).toMatch(/leaves the backend alone.*"cpu"/);
  });

  it('something that is no function', async () => {
    expect((await failure(trace(null as never, inputs))).code).toBe('INVALID_TRACE');
  });

  it.each<[string, unknown]>([
    ['no specs', null],
    ['a list', [VECTOR]],
    ['an unknown dimension', { x: { dtype: 'float32', shape: [null, 3] } }],
    ['another dtype', { x: { dtype: 'complex64', shape: [3] } }],
    ['an unusable name', JSON.parse('{"__proto__": {"dtype": "float32", "shape": []}}')],
  ])('%s as inputs', async (_, specs) => {
    const error = await failure(trace(() => tf.scalar(1), specs as Record<string, TensorSpec>));
    expect(error.code).toBe('INVALID_GRAPH');
  });

  it('ops whose output shapes depend on values, or on dtypes a graph cannot hold', async () => {
    const unique = await failure(trace(({ x }) => tf.unique(x).values, inputs));
    expect(unique.code).toBe('UNSUPPORTED_OP');
    expect(unique.message).toMatch(/Unique.*known only after running/);
    expect((await failure(trace(({ x }) => tf.spectral.rfft(x), inputs))).code).toBe('UNSUPPORTED_OP');
    expect((await failure(trace(() => tf.tensor1d(['a']), {}))).code).toBe('UNSUPPORTED_OP');
    expect((await failure(trace(() => tf.complex([1], [2]), {}))).code).toBe('UNSUPPORTED_OP');
  });

  it('attributes that are no plain data, by name', async () => {
    const fn = ({ x }: { x: tf.Tensor }): tf.Tensor =>
      tf.engine().runKernel('Neg', { x }, { scale: 1n as never });
    const error = await failure(trace(fn, inputs));
    expect(error.code).toBe('INVALID_TRACE');
    expect(error.message).toMatch(/"scale".*plain data/);
  });
});

describe('trace() with inputs named like members of Object', () => {
  it('gives them to the function and nothing else', async () => {
    const graph = await trace(
      (given) => {
        expect(Object.keys(given)).toEqual(['constructor', 'toString']);
        expect('valueOf' in given).toBe(false);
        return { hasOwnProperty: tf.add(given['constructor']!, given['toString']!) };
      },
      { constructor: VECTOR, toString: VECTOR } as Record<string, TensorSpec>,
    );
    expect(Object.keys(graph.outputs)).toEqual(['hasOwnProperty']);
  });
});
