/**
 * What the types of graphs, executables and runs promise. The type checker reads this file with all others, and fails
 * when a line marked as an error compiles; run by vitest, it shows that what does not compile is refused, too.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { LayersModel } from '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, describe, expect, expectTypeOf, it } from 'vitest';
import { createEngine } from '../../runtime/create-engine.js';
import type { Engine } from '../../runtime/engine.js';
import type { Executable } from '../../runtime/executable.js';
import { GraphBuilder } from '../../runtime/graph-builder.js';
import type { RunOptions } from '../../runtime/options.js';
import type { RunResult } from '../../runtime/run-result.js';
import type { Timeline } from '../../runtime/timeline/timeline.js';
import { type TracedOutputs, trace } from '../../runtime/trace.js';
import type { Graph } from '../../scheduler/graph.js';
import type { Tensor, TensorSpec } from '../../scheduler/tensor.js';

const X = { dtype: 'float32', shape: [2] } as const;
const ONES = Float32Array.of(1, 1);
const REFUSED = { code: 'INVALID_FEED' };

const sums = () =>
  trace(({ x, count, mask }) => ({ sum: tf.add(x, count), masked: tf.where(mask, x, tf.neg(x)) }), {
    x: X,
    count: { dtype: 'int32', shape: [2] },
    mask: { dtype: 'bool', shape: [2] },
  });

const FEEDS = { x: ONES, count: Int32Array.of(1, 2), mask: Uint8Array.of(0, 1) };

let engine: Engine;
let executable: Awaited<ReturnType<typeof compiled>>;

async function compiled() {
  return engine.compile(await sums());
}

beforeAll(async () => {
  engine = await createEngine();
  executable = await compiled();
});
afterAll(() => engine.close());

describe('a traced graph', () => {
  it('knows the names and dtypes of its inputs, and the names of its outputs', async () => {
    const graph = await sums();
    expectTypeOf(graph.inputs).toHaveProperty('x');
    expectTypeOf(graph.inputs.count.dtype).toEqualTypeOf<'int32'>();
    expectTypeOf(graph.outputs).toEqualTypeOf<{ readonly sum: TensorSpec; readonly masked: TensorSpec }>();
    expect(Object.keys(graph.inputs)).toEqual(['x', 'count', 'mask']);
    expect(Object.keys(graph.outputs)).toEqual(['sum', 'masked']);
    // @ts-expect-error a misspelt output
    expect(graph.outputs.summ).toBeUndefined();
  });

  it('names a single tensor, arrays, and arrays under keys as trace() does', async () => {
    const one = await trace(({ x }) => tf.neg(x), { x: X });
    expectTypeOf(one.outputs).toEqualTypeOf<{ readonly output: TensorSpec }>();
    const pair = await trace(({ x }) => [x, tf.neg(x)], { x: X });
    expectTypeOf(pair.outputs).toEqualTypeOf<{
      readonly output_0: TensorSpec;
      readonly output_1: TensorSpec;
    }>();
    const many = await trace(({ x }) => tf.split(x, 2), { x: X });
    expectTypeOf(many.outputs).toEqualTypeOf<{ readonly [name: `output_${number}`]: TensorSpec }>();
    const mixed = await trace(({ x }) => ({ y: x, parts: tf.split(x, 2), both: [x, x] }), { x: X });
    expectTypeOf(mixed.outputs).toEqualTypeOf<{
      readonly y: TensorSpec;
      readonly [part: `parts_${number}`]: TensorSpec;
      readonly both_0: TensorSpec;
      readonly both_1: TensorSpec;
    }>();
    expect(Object.keys(one.outputs)).toEqual(['output']);
    expect(Object.keys(pair.outputs)).toEqual(['output_0', 'output_1']);
    expect(Object.keys(many.outputs)).toEqual(['output_0', 'output_1']);
    expect(Object.keys(mixed.outputs)).toEqual(['y', 'parts_0', 'parts_1', 'both_0', 'both_1']);
  });

  it('has the names of every case where the type of a result leaves the case open', () => {
    type Predicted = TracedOutputs<{ y: ReturnType<LayersModel['predict']> }>;
    expectTypeOf<Predicted['y']>().toEqualTypeOf<TensorSpec>();
    expectTypeOf<Predicted['y_0']>().toEqualTypeOf<TensorSpec>();
    expectTypeOf<keyof TracedOutputs<tf.NamedTensorMap>>().toEqualTypeOf<string>();
  });

  it('is a graph for all that take any graph', async () => {
    const graph: Graph = await sums();
    const any: Executable = executable;
    expect(Object.keys(any.inputs)).toEqual(Object.keys(graph.inputs));
  });
});

describe('feeds', () => {
  it('are bare data or tensors under exactly the names of the inputs', async () => {
    const { outputs } = await executable.run(FEEDS);
    expect([...outputs.sum.data]).toEqual([2, 3]);
    const again = await executable.run({
      ...FEEDS,
      x: outputs.sum,
      mask: { dtype: 'bool', shape: [2], data: FEEDS.mask },
    });
    expect([...again.outputs.masked.data]).toEqual([-2, 3]);
  });

  it('do not compile when one is misspelt, missing or unknown', async () => {
    const { x, count, mask } = FEEDS;
    // @ts-expect-error misspelt
    await expect(executable.run({ x, cuont: count, mask })).rejects.toMatchObject(REFUSED);
    // @ts-expect-error missing
    await expect(executable.run({ x, count })).rejects.toMatchObject(REFUSED);
    // @ts-expect-error unknown
    await expect(executable.run({ x, count, mask, y: x })).rejects.toMatchObject(REFUSED);
  });

  it('do not compile in the container of another dtype', async () => {
    const { x, count, mask } = FEEDS;
    // @ts-expect-error int32 takes an Int32Array
    await expect(executable.run({ x, count: x, mask })).rejects.toMatchObject(REFUSED);
    // @ts-expect-error bool takes a Uint8Array
    await expect(executable.run({ x, count, mask: count })).rejects.toMatchObject(REFUSED);
    // @ts-expect-error float32 takes a Float32Array
    await expect(executable.run({ x: mask, count, mask })).rejects.toMatchObject(REFUSED);
    // @ts-expect-error no plain array
    await expect(executable.run({ x: [1, 1], count, mask })).rejects.toMatchObject(REFUSED);
  });

  it('of a graph without inputs are none', async () => {
    const constant = await engine.compile(await trace(() => tf.scalar(1), {}));
    expect([...(await constant.run({})).outputs.output.data]).toEqual([1]);
    // @ts-expect-error unknown
    await expect(constant.run({ x: ONES })).rejects.toMatchObject(REFUSED);
  });

  it('of a graph whose type knows no names may have any', async () => {
    const builder = new GraphBuilder();
    builder.output('y', builder.kernel('Neg', { x: builder.input('x', X) }));
    const graph = builder.build();
    expectTypeOf(graph).toEqualTypeOf<Graph>();
    const negation = await engine.compile(graph);
    const { outputs } = await negation.run({ x: ONES });
    expectTypeOf(outputs['y']).toEqualTypeOf<Tensor | undefined>();
    expect([...outputs['y']!.data]).toEqual([-1, -1]);
  });
});

describe('the result of a run', () => {
  it('has exactly the outputs of the graph', async () => {
    const { outputs, report } = await executable.run(FEEDS, { timeoutMs: 10_000 });
    expectTypeOf(outputs).toEqualTypeOf<{ readonly sum: Tensor; readonly masked: Tensor }>();
    // @ts-expect-error a misspelt output
    expect(outputs.maskd).toBeUndefined();
    expect(report.outcome).toBe('completed');
  });

  it('may lack outputs with onDeadline partial', async () => {
    const { outputs } = await executable.run(FEEDS, { timeoutMs: 0, onDeadline: 'partial' });
    expectTypeOf(outputs.sum).toEqualTypeOf<Tensor | undefined>();
    expect(outputs.sum).toBeUndefined();
    // @ts-expect-error possibly undefined
    expect(() => outputs.masked.data).toThrow(TypeError);
    // @ts-expect-error a misspelt output
    expect(outputs.maskd).toBeUndefined();
  });

  it('has a timeline when one was asked for, and only then', async () => {
    const recorded = await executable.run(FEEDS, { timeline: true });
    expectTypeOf(recorded.timeline).toEqualTypeOf<Timeline>();
    expect(recorded.timeline.summary().text).toContain('Select');
    const plain = await executable.run(FEEDS, { timeoutMs: 10_000 });
    expectTypeOf(plain.timeline).toEqualTypeOf<undefined>();
    expect(plain.timeline).toBeUndefined();
  });

  it('is open about what options leave open', async () => {
    const options: RunOptions = {};
    const result = await executable.run(FEEDS, options);
    expectTypeOf(result.outputs.sum).toEqualTypeOf<Tensor | undefined>();
    expectTypeOf(result.timeline).toEqualTypeOf<Timeline | undefined>();
    const any: RunResult = result;
    expect(Object.keys(any.outputs)).toEqual(['sum', 'masked']);
  });

  it('does not compile with a misspelt option', async () => {
    const code = 'INVALID_OPTION';
    // @ts-expect-error timeoutMs
    await expect(executable.run(FEEDS, { timeoutms: 5 })).rejects.toMatchObject({ code });
    // @ts-expect-error partial
    await expect(executable.run(FEEDS, { onDeadline: 'partially' })).rejects.toMatchObject({ code });
  });
});

describe('an inlined graph', () => {
  it('is given values for exactly its inputs and gives its outputs by name', async () => {
    const graph = await sums();
    const builder = new GraphBuilder();
    const inputs = {
      x: builder.input('x', X),
      count: builder.input('count', graph.inputs.count),
      mask: builder.input('mask', graph.inputs.mask),
    };
    const { sum, masked } = builder.graph(graph, inputs);
    expect([sum.spec, masked.spec]).toEqual([X, X]);
    // @ts-expect-error missing
    expect(() => builder.graph(graph, { x: inputs.x, mask: inputs.mask })).toThrow('expected inputs');
  });
});
