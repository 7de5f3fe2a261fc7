import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findOp, inferNode, opNames } from '../kernels/ops/index.js';
import { HARMLESS_OPS, INDEXED_OPS } from '../kernels/ops/index-bounds.js';
import { createKernelBackend as createReference } from '../kernels/reference/backend.js';
import { createKernelBackend as createWasm } from '../kernels/wasm/backend.js';
import { GraphBuilder } from '../runtime/graph-builder.js';
import type { ImmediateBackend } from '../scheduler/kernel.js';
import type { Tensor, TensorSpec } from '../scheduler/tensor.js';
import { runGuarded } from './op-fuzz/guarded-run.js';
import { startEngine } from './support/engines.js';
import { backendOptions, difference } from './support/one-node.js';
import { caseTensors, formatCase, type OpCase, opCases } from './support/op-cases.js';
import { runOnCpu } from './support/tfjs-kernels.js';

interface Call {
  readonly op: string;
  readonly inputs: Readonly<Record<string, Tensor>>;
  readonly attributes: OpCase['attributes'];
  readonly outputs: readonly TensorSpec[];
}

const ints = (...data: number[]): Tensor => ({
  dtype: 'int32',
  shape: [data.length],
  data: Int32Array.from(data),
});
const ROWS: Tensor = { dtype: 'float32', shape: [3, 2], data: Float32Array.of(1, 2, 3, 4, 5, 6) };

/** Ops that are not in the op table, whose output specs are declared. */
const SEGMENTS: readonly Call[] = ['SparseSegmentSum', 'SparseSegmentMean'].map((op) => ({
  op,
  inputs: { data: ROWS, indices: ints(0, 2), segmentIds: ints(0, 1) },
  attributes: {},
  outputs: [{ dtype: 'float32', shape: [2, 2] }],
}));

const ALL_OPS = { ...INDEXED_OPS, ...HARMLESS_OPS };

const CALLS: readonly Call[] = [
  ...opCases(1)
    .filter(({ op, except }) => Object.hasOwn(ALL_OPS, op) && except?.cpu === undefined)
    .map((opCase) => {
      const { op, attributes } = opCase;
      const inputs = caseTensors(opCase, 1);
      return { op, inputs, attributes, outputs: inferNode(op, inputs, attributes, op).outputs };
    }),
  ...SEGMENTS,
];

const OUTSIDE = [-1, -(2 ** 31), 2 ** 31 - 1, 2 ** 30, 1_000_000, 99];

/** The call with one index outside, for each place in turn. */
function callsOutside(call: Call): readonly { call: Call; received: number; place: number }[] {
  const { input } = ALL_OPS[call.op]!;
  const indices = call.inputs[input]!;
  if (indices.data.length === 0) return [];
  return OUTSIDE.map((received, turn) => {
    const place = turn % indices.data.length;
    const data = (indices.data as Int32Array).with(place, received);
    return { call: { ...call, inputs: { ...call.inputs, [input]: { ...indices, data } } }, received, place };
  });
}

const isCounted = (op: string, index: number) => op.endsWith('Bincount') && index >= 0;

describe.each([
  ['wasm', createWasm],
  ['reference', createReference],
] as const)('indices outside their range on the %s device', (_name, create) => {
  let backend: ImmediateBackend;
  beforeAll(async () => {
    backend = await create(backendOptions());
  });
  afterAll(() => backend.close());

  it.each(Object.keys(ALL_OPS))('are refused, or do what the table says, in %s', (op) => {
    const calls = CALLS.filter((call) => call.op === op).flatMap(callsOutside);
    expect(calls.length).toBeGreaterThanOrEqual(OUTSIDE.length);
    for (const { call, received, place } of calls) {
      const ending = runGuarded(backend, call, call.inputs);
      const what = `${formatCase(call)} with ${received}`;
      if (Object.hasOwn(INDEXED_OPS, op) && !isCounted(op, received)) {
        expect(ending, what).toMatchObject({
          kind: 'failed',
          error: { code: 'KERNEL_FAILED', node: `the ${op}`, received },
        });
        const { message } = (ending as { error: Error }).error;
        expect(message).toContain(`node "the ${op}" (${op}): expected ${ALL_OPS[op]!.input} from 0 to `);
        expect(message).toContain(`received ${received} at element ${place}`);
      } else {
        expect(ending, what).toMatchObject({ kind: 'completed' });
        const { outputs } = ending as { outputs: readonly Tensor[] };
        expect(difference(outputs[0]!, runOnCpu(call, call.inputs)![0]!, 1e-4), what).toBeUndefined();
      }
    }
  });

  it('are those of an empty dimension, too', () => {
    const params: Tensor = { dtype: 'float32', shape: [2, 0], data: new Float32Array(0) };
    const indices = { ...ints(1, 0), shape: [1, 2] };
    const call = {
      op: 'GatherNd',
      inputs: { params, indices },
      outputs: [{ dtype: 'float32', shape: [1] }],
    } as const;
    expect(runGuarded(backend, call, call.inputs)).toMatchObject({
      error: { message: expect.stringContaining('indices for none of 0 places as component 1, received 0') },
    });
  });
});

describe('the table of indexed ops', () => {
  it('has every op with an input of indices', () => {
    const named = opNames().filter((name) => {
      const { inputs } = findOp(name)!;
      return inputs !== 'variadic' && inputs.some((input) => /ind(ices)?$|ids$/i.test(input));
    });
    expect(named.filter((name) => !Object.hasOwn(ALL_OPS, name))).toEqual([]);
    expect(named.length).toBeGreaterThan(7);
  });
});

describe('a fed index outside its range', () => {
  /** Looks up rows of a table of its own. */
  function lookup(fill: number) {
    const builder = new GraphBuilder();
    const table = { dtype: 'float32', shape: [4, 16], data: new Float32Array(64).fill(fill) } as const;
    const indices = builder.input('indices', { dtype: 'int32', shape: [2, 1] });
    const params = builder.constant('table', table);
    builder.output('rows', builder.kernel('GatherNd', { params, indices }, {}, { name: 'look up' }));
    return builder.build();
  }

  it('ends the run with KERNEL_FAILED and the node, and shows nothing of another executable', async () => {
    const engine = await startEngine();
    const [mine, other] = [await engine.compile(lookup(1)), await engine.compile(lookup(7))];
    for (const index of [4, 8, 12, -4, 100_000_000]) {
      await expect(mine.run({ indices: Int32Array.of(0, index) })).rejects.toMatchObject({
        code: 'KERNEL_FAILED',
        node: 'look up',
        received: index,
        expected: 'indices from 0 to 3',
      });
    }
    const { outputs } = await other.run({ indices: Int32Array.of(0, 3) });
    expect(new Set(outputs['rows']!.data)).toEqual(new Set([7]));
  });

  it('does not change another executable', async () => {
    const engine = await startEngine();
    const builder = new GraphBuilder();
    const indices = builder.input('indices', { dtype: 'int32', shape: [1, 1] });
    const updates = builder.constant('updates', { dtype: 'float32', shape: [1], data: Float32Array.of(666) });
    builder.output('y', builder.kernel('ScatterNd', { indices, updates }, { shape: [4] }));
    const [scatter, other] = [await engine.compile(builder.build()), await engine.compile(lookup(7))];
    for (let index = -400; index < 400; index += 1) {
      const run = scatter.run({ indices: Int32Array.of(index) });
      if (index < 0 || index > 3) await expect(run).rejects.toMatchObject({ code: 'KERNEL_FAILED' });
      else await run;
    }
    const { outputs } = await other.run({ indices: Int32Array.of(0, 3) });
    expect(new Set(outputs['rows']!.data)).toEqual(new Set([7]));
  });
});
