import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../runtime/graph-builder.js';
import { CurfewError } from '../scheduler/errors.js';
import { type Graph, isWork, type NodeId } from '../scheduler/graph.js';
import { HOST_LANE, type Placement, placeNodes } from '../scheduler/placement.js';
import type { Plan } from '../scheduler/plan.js';
import { planGraph } from '../scheduler/plan-graph.js';
import { cutSegments } from '../scheduler/segment.js';
import type { TensorSpec } from '../scheduler/tensor.js';
import { checkLifetimes, walkPlan } from './support/plan-check.js';
import { createRandom } from './support/random.js';
import { randomGraph } from './support/random-graph.js';
import { seeds, withSeed } from './support/seed.js';
import { thirtyNodes } from './support/thirty-nodes.js';

const PLANS = 150;

/** A random graph in a random placement on one to four streams. */
function randomPlan(seed: number): { graph: Graph; plan: Plan; lanes: Int32Array } {
  const { graph } = randomGraph(seed, { nodes: 60 });
  const random = createRandom(seed);
  const streams = random.integer(1, 4);
  const lanes = graph.nodes.map(() => random.integer(0, streams - 1));
  const placement: Placement = random.pick(['automatic', ({ index }) => lanes[index]!]);
  return {
    graph,
    plan: planGraph(graph, { streams, placement }),
    lanes: placeNodes(graph, streams, placement),
  };
}

const forEachPlan = async (check: (plan: ReturnType<typeof randomPlan>, seed: number) => void) => {
  for (const seed of seeds(PLANS)) await withSeed(seed, () => check(randomPlan(seed), seed));
};

describe('a plan in a random placement', () => {
  it('never deadlocks, whatever order ready units run in', () =>
    forEachPlan(({ plan, graph }, seed) => {
      const { nodes } = walkPlan(plan, createRandom(seed + 1));
      expect(nodes).toHaveLength(plan.workNodes);
      const ran = new Set<NodeId>();
      for (const id of nodes) {
        for (const value of graph.nodes[id]!.inputs) {
          const producer = graph.nodes[graph.values[value]!.producer]!;
          if (isWork(producer)) expect(ran, `inputs of ${graph.nodes[id]!.name}`).toContain(producer.id);
        }
        ran.add(id);
      }
    }));

  it('has segments that do not depend on each other in a cycle', () =>
    forEachPlan(({ graph, lanes }) => {
      const segments = cutSegments(graph, lanes);
      const unitOf = new Map(segments.flatMap(({ nodes }, index) => nodes.map((id) => [id, index] as const)));
      for (const node of graph.nodes)
        if (node.kind === 'host') unitOf.set(node.id, segments.length + node.id);
      expect(hasCycle(graph, unitOf)).toBe(false);
    }));

  it('holds every kernel node once, in its lane, in topological order', () =>
    forEachPlan(({ graph, plan, lanes }) => {
      const kernels = graph.nodes.filter(({ kind }) => kind === 'kernel').map(({ id }) => id);
      const held = plan.units.flatMap((unit) => (unit.kind === 'segment' ? unit.nodes : []));
      expect([...held].sort((a, b) => a - b)).toEqual(kernels);
      for (const unit of plan.units) {
        if (unit.kind === 'host') continue;
        expect(unit.nodes).toEqual([...unit.nodes].sort((a, b) => a - b));
        for (const id of unit.nodes) expect(lanes[id]).toBe(unit.lane);
      }
    }));

  it('frees every value once, after its last use, and none that is needed', () =>
    forEachPlan(({ plan }, seed) => {
      const { segments } = walkPlan(plan, createRandom(seed + 1));
      for (const [lane, program] of plan.programs.entries()) {
        expect(checkLifetimes(program, segments[lane]!)).toEqual([]);
      }
    }));

  it('exports what others read, once, to places that do not overlap', () =>
    forEachPlan(({ plan, graph, lanes }) => {
      const entries = [...plan.exchange.values()].sort((a, b) => a.byteOffset - b.byteOffset);
      for (const [index, { byteOffset }] of entries.entries()) {
        expect(byteOffset % 8).toBe(0);
        expect(byteOffset).toBeLessThanOrEqual(entries[index + 1]?.byteOffset ?? plan.exchangeBytes);
      }
      const exported = plan.programs.flatMap(({ steps }) =>
        steps.flatMap(({ exports }) => exports?.toExchange ?? []),
      );
      const crossing = entries.filter(({ value }) => lanes[graph.values[value]!.producer] !== HOST_LANE);
      expect(exported.map(({ value }) => value).sort((a, b) => a - b)).toEqual(
        crossing.map(({ value }) => value).sort((a, b) => a - b),
      );
    }));
});

/** Whether units wait for each other in a circle; depth first. */
function hasCycle(graph: Graph, unitOf: ReadonlyMap<NodeId, number>): boolean {
  const needs = new Map<number, Set<number>>();
  for (const [id, unit] of unitOf) {
    const set = needs.get(unit) ?? new Set();
    for (const value of graph.nodes[id]!.inputs) {
      const other = unitOf.get(graph.values[value]!.producer);
      if (other !== undefined && other !== unit) set.add(other);
    }
    needs.set(unit, set);
  }
  const state = new Map<number, 'open' | 'done'>();
  const visit = (unit: number): boolean => {
    if (state.get(unit) === 'open') return true;
    if (state.get(unit) === 'done') return false;
    state.set(unit, 'open');
    const found = [...(needs.get(unit) ?? [])].some(visit);
    state.set(unit, 'done');
    return found;
  };
  return [...needs.keys()].some(visit);
}

const MATRIX: TensorSpec = { dtype: 'float32', shape: [256, 256] };

/** `branches` chains of `length` matrix products each. */
function products(branches: number, length: number): Graph {
  const builder = new GraphBuilder();
  const x = builder.input('x', MATRIX);
  for (let branch = 0; branch < branches; branch++) {
    let value = builder.kernel('Tanh', { x });
    for (let node = 0; node < length; node++) {
      value = builder.kernel('BatchMatMul', { a: value, b: value }, { transposeA: false, transposeB: false });
    }
    builder.output(`y${branch}`, value);
  }
  return builder.build();
}

const lanesOf = (graph: Graph, streams: number, placement: Placement = 'automatic') => {
  const lanes = placeNodes(graph, streams, placement);
  return graph.nodes.filter(({ kind }) => kind === 'kernel').map(({ id }) => lanes[id]!);
};

describe('automatic placement', () => {
  it('gives two equal branches a stream each', () => {
    const lanes = lanesOf(products(2, 4), 2);
    expect(new Set(lanes)).toEqual(new Set([0, 1]));
    expect(lanes.filter((lane) => lane === 0)).toHaveLength(lanes.length / 2);
  });

  it('leaves a chain on one stream', () => {
    expect(new Set(lanesOf(products(1, 8), 2))).toEqual(new Set([0]));
  });

  it('leaves branches on one stream that transfers cost more than', () => {
    const builder = new GraphBuilder();
    const x = builder.input('x', { dtype: 'float32', shape: [2] });
    for (const name of ['a', 'b']) builder.output(name, builder.kernel('Tanh', { x }, {}, { name }));
    expect(new Set(lanesOf(builder.build(), 2))).toEqual(new Set([0]));
  });

  it('uses no more streams than there are branches', () => {
    expect(new Set(lanesOf(products(2, 4), 4)).size).toBe(2);
    expect(planGraph(products(2, 4), { streams: 1, placement: 'automatic' }).lanes).toBe(1);
  });
});

describe('a placement function', () => {
  it('is asked once for each kernel node, by name, op and index', () => {
    const asked: string[] = [];
    const graph = thirtyNodes();
    planGraph(graph, {
      streams: 2,
      placement: ({ name, op, index }) => {
        asked.push(`${name} ${op} ${graph.nodes[index]!.name === name}`);
        return 1;
      },
    });
    expect(asked).toHaveLength(27);
    expect(asked[0]).toBe('n0 Tanh true');
    expect(new Set(asked).size).toBe(27);
  });

  it('may leave streams out', () => {
    const plan = planGraph(thirtyNodes(), { streams: 3, placement: () => 2 });
    expect(plan.lanes).toBe(3);
    expect(plan.programs.map(({ steps }) => steps.length)).toEqual([0, 0, 27]);
  });

  it('that splits a graph too finely is refused', () => {
    const builder = new GraphBuilder();
    let x = builder.input('x', { dtype: 'float32', shape: [] });
    for (let node = 0; node <= 8193; node++) x = builder.kernel('Neg', { x });
    builder.output('y', x);
    const graph = builder.build();
    const plan = () => planGraph(graph, { streams: 2, placement: ({ index }) => index % 2 });
    expect(plan).toThrow(CurfewError);
    expect(plan).toThrow(expect.objectContaining({ code: 'INVALID_PLACEMENT', expected: 8192 }) as Error);
  });
});

describe('a plan', () => {
  it('makes one segment of a chain', () => {
    expect(planGraph(products(1, 8), { streams: 2, placement: 'single' }).units).toHaveLength(1);
  });

  it('cuts a chain where a host node stands in it', () => {
    const builder = new GraphBuilder();
    const spec: TensorSpec = { dtype: 'float32', shape: [2] };
    const a = builder.kernel('Neg', { x: builder.input('x', spec) });
    const { y } = builder.host('host', { inputs: { a }, outputs: { y: spec }, run: ({ a }) => ({ y: a! }) });
    builder.output('y', builder.kernel('Neg', { x: y }));
    const { units } = planGraph(builder.build(), { streams: 1, placement: 'single' });
    expect(units.map((unit) => (unit.kind === 'host' ? 'host' : unit.nodes.length))).toEqual([1, 1, 'host']);
  });

  it('has no unit for a graph that only passes values through', () => {
    const builder = new GraphBuilder();
    builder.output('y', builder.input('x', MATRIX));
    const plan = planGraph(builder.build(), { streams: 2, placement: 'automatic' });
    expect([plan.units.length, plan.lanes, plan.workNodes]).toEqual([0, 1, 0]);
  });

  it('has the main thread keep the constants that it hands out, and no other', () => {
    const builder = new GraphBuilder();
    const spec: TensorSpec = { dtype: 'float32', shape: [1] };
    const constant = (name: string) => builder.constant(name, { ...spec, data: new Float32Array(1) });
    const a = builder.kernel('Add', { a: builder.input('x', spec), b: constant('of a kernel') });
    const host = { a, b: constant('of a host node') };
    const { y } = builder.host('host', { inputs: host, outputs: { y: spec }, run: () => ({}) });
    builder.output('y', y);
    builder.output('constant', constant('put out'));
    const graph = builder.build();
    const { mainConstants } = planGraph(graph, { streams: 1, placement: 'single' });
    const names = mainConstants.map(({ value }) => graph.nodes[graph.values[value]!.producer]!.name);
    expect(names).toEqual(['of a host node', 'put out']);
  });

  it('is frozen, for all runs share it', () => {
    const plan = planGraph(thirtyNodes(), { streams: 1, placement: 'single' });
    expect(Object.isFrozen(plan)).toBe(true);
    expect(plan.units.every(Object.isFrozen)).toBe(true);
  });
});
