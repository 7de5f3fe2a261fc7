import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../runtime/graph-builder.js';
import { CurfewError } from '../scheduler/errors.js';
import type { KernelNode } from '../scheduler/graph.js';
import type { TensorSpec } from '../scheduler/tensor.js';

const vector: TensorSpec = { dtype: 'float32', shape: [3] };

function codeOf(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof CurfewError) return error.code;
    throw error;
  }
  throw new Error('nothing was thrown');
}

function names(graph: { nodes: readonly { name: string }[] }): string[] {
  return graph.nodes.map(({ name }) => name);
}

describe('GraphBuilder', () => {
  it('infers output specs from the op table and keeps the order of calls', () => {
    const builder = new GraphBuilder();
    const x = builder.input('x', { dtype: 'float32', shape: [2, 1] });
    const ones = builder.constant('ones', { ...vector, data: new Float32Array(3).fill(1) });
    const sum = builder.kernel('Add', { a: x, b: ones });
    builder.output('y', builder.kernel('Relu', { x: sum }));
    const graph = builder.build();
    expect(sum.spec).toEqual({ dtype: 'float32', shape: [2, 3] });
    expect(names(graph)).toEqual(['x', 'ones', 'Add', 'Relu']);
    expect(graph.outputs['y']).toEqual({ dtype: 'float32', shape: [2, 3] });
    expect((graph.nodes[2] as KernelNode).cost.operations).toBeGreaterThanOrEqual(6);
  });

  it('numbers unnamed kernels and steps around names in use', () => {
    const builder = new GraphBuilder();
    let value = builder.kernel('Relu', { x: builder.input('Relu_1', vector) });
    value = builder.kernel('Relu', { x: value });
    builder.output('y', builder.kernel('Relu', { x: value }, {}, { name: 'last' }));
    expect(names(builder.build())).toEqual(['Relu_1', 'Relu', 'Relu_2', 'last']);
  });

  it('gives every output of a kernel', () => {
    const builder = new GraphBuilder();
    const pair = builder.kernel(
      'Unheard',
      { x: builder.input('x', vector) },
      {},
      { outputs: [vector, { dtype: 'int32', shape: [] }] },
    );
    builder.output('first', pair);
    builder.output('second', pair.outputs[1]!);
    const graph = builder.build();
    expect(pair.outputs.map(({ reference }) => reference)).toEqual(['Unheard', 'Unheard:1']);
    expect(graph.outputs['second']).toEqual({ dtype: 'int32', shape: [] });
  });

  it('takes references to nodes defined later, and checks their specs in build()', () => {
    const builder = new GraphBuilder();
    builder.output('y', 'sum');
    builder.kernel('Add', { a: 'x', b: 'x:0' }, {}, { name: 'sum', outputs: [vector] });
    builder.input('x', vector);
    const graph = builder.build();
    expect(names(graph)).toEqual(['x', 'sum']);
    expect((graph.nodes[1] as KernelNode).cost.operations).toBe(3);

    const wrong = new GraphBuilder();
    wrong.output('y', 'sum');
    wrong.kernel('Add', { a: 'x', b: 'x' }, {}, { name: 'sum', outputs: [{ dtype: 'float32', shape: [4] }] });
    wrong.input('x', vector);
    expect(() => wrong.build()).toThrow(/expected outputs float32\[3\].*received float32\[4\]/);
  });

  it('refuses a reference to a later node without outputs', () => {
    const builder = new GraphBuilder();
    expect(codeOf(() => builder.kernel('Relu', { x: 'later' }))).toBe('INVALID_GRAPH');
  });

  it('reports cycles and references to nothing in build()', () => {
    const cyclic = new GraphBuilder();
    cyclic.kernel('Relu', { x: 'b' }, {}, { name: 'a', outputs: [vector] });
    cyclic.kernel('Relu', { x: 'a' }, {}, { name: 'b', outputs: [vector] });
    cyclic.output('y', 'b');
    expect(() => cyclic.build()).toThrow(/cycle/);

    const dangling = new GraphBuilder();
    dangling.kernel('Relu', { x: 'nowhere' }, {}, { outputs: [vector] });
    dangling.output('y', 'Relu');
    expect(() => dangling.build()).toThrow(/nowhere/);
    expect(codeOf(() => dangling.build())).toBe('INVALID_GRAPH');
    expect(codeOf(() => new GraphBuilder().build())).toBe('INVALID_GRAPH');
  });

  it('refuses a value of another builder', () => {
    const value = new GraphBuilder().input('x', vector);
    const builder = new GraphBuilder();
    builder.input('x', vector);
    expect(() => builder.kernel('Relu', { x: value })).toThrow(/another builder/);
    expect(codeOf(() => builder.output('y', value))).toBe('INVALID_GRAPH');
  });

  it('needs declared outputs for an op the table lacks', () => {
    const builder = new GraphBuilder();
    const x = builder.input('x', vector);
    expect(codeOf(() => builder.kernel('Unheard', { x }))).toBe('UNSUPPORTED_OP');
    expect(builder.kernel('Unheard', { x }, {}, { outputs: [vector] }).spec).toEqual(vector);
    expect(codeOf(() => builder.kernel('Unheard', { x }, {}, { outputs: [] }))).toBe('INVALID_GRAPH');
  });

  it('copies attributes as plain data and refuses others by name', () => {
    const builder = new GraphBuilder();
    const x = builder.input('x', vector);
    const shape = [3, 1];
    builder.kernel('Reshape', { x }, { shape, unused: undefined }, { name: 'plain' });
    const indices = new Int32Array([1, 2]);
    const extremes = [Number.NaN, Infinity, -Infinity];
    builder.kernel('Unheard', { x }, { indices, extremes }, { outputs: [vector] });
    shape[0] = 7;
    builder.output('y', 'plain');
    const [, reshape, unheard] = builder.build().nodes as KernelNode[];
    expect(reshape!.attributes).toEqual({ shape: [3, 1] });
    expect(Object.hasOwn(reshape!.attributes, 'unused')).toBe(false);
    expect(unheard!.attributes).toEqual({ indices: [1, 2], extremes });

    const cyclic: unknown[] = [];
    cyclic.push(cyclic);
    for (const bad of [() => 1, 1n, Symbol('s'), new Date(), new Map(), cyclic]) {
      const attempt = () => builder.kernel('Relu', { x }, { alpha: { deep: [bad] } });
      expect(codeOf(attempt)).toBe('INVALID_ATTRIBUTE');
      expect(attempt).toThrow(/alpha\.deep\[0\]/);
    }
    expect(codeOf(() => builder.kernel('Relu', { x }, [] as never))).toBe('INVALID_ATTRIBUTE');
    expect(codeOf(() => builder.kernel('Reshape', { x }, { shape: [4] }))).toBe('INVALID_ATTRIBUTE');
  });

  it('declares host nodes and returns their outputs by name', () => {
    const builder = new GraphBuilder();
    const x = builder.input('x', vector);
    const { left, right } = builder.host('split', {
      inputs: { x },
      outputs: { left: vector, right: { dtype: 'int32', shape: [2] } },
      run: () => ({}),
    });
    builder.output('left', left);
    builder.output('right', right);
    const graph = builder.build();
    expect(graph.outputs['right']).toEqual({ dtype: 'int32', shape: [2] });
    expect(graph.nodes[1]).toMatchObject({ kind: 'host', outputNames: ['left', 'right'] });
    const noFunction = { outputs: { y: vector }, run: 'no' as never };
    expect(codeOf(() => builder.host('bad', noFunction))).toBe('INVALID_GRAPH');
  });

  it('refuses malformed and repeated names, specs and data', () => {
    const builder = new GraphBuilder();
    builder.input('x', vector);
    const attempts: (() => unknown)[] = [
      () => builder.input('x', vector),
      () => builder.input('', vector),
      () => builder.input('a:1', vector),
      () => builder.input(7 as never, vector),
      () => builder.input('__proto__', vector),
      () => builder.input('y', { dtype: 'complex64' as never, shape: [] }),
      () => builder.input('y', { dtype: 'float32', shape: [-1] }),
      () => builder.constant('y', { ...vector, data: new Int32Array(3) }),
      () => builder.constant('y', { ...vector, data: new Float32Array(2) }),
      () => builder.constant('y', null as never),
      () => builder.kernel('', { x: 'x' }),
      () => builder.kernel('Relu', null as never),
      () => builder.kernel('Relu', { x: 7 as never }),
      () => builder.output('__proto__', 'x'),
      () => builder.graph({} as never, {}),
    ];
    for (const attempt of attempts) expect(codeOf(attempt), String(attempt)).toBe('INVALID_GRAPH');
    builder.output('out', 'x');
    expect(codeOf(() => builder.output('out', 'x'))).toBe('INVALID_GRAPH');
    expect(names(builder.build())).toEqual(['x']);
  });

  it('keeps names of Object.prototype apart from what they inherit', () => {
    const builder = new GraphBuilder();
    const input = builder.input('constructor', vector);
    const sum = builder.kernel('Add', { a: input, b: 'constructor' }, {}, { name: 'toString' });
    const host = builder.host('valueOf', {
      inputs: { hasOwnProperty: sum },
      outputs: { isPrototypeOf: vector },
      run: () => ({}),
    });
    builder.output('toString', host.isPrototypeOf);
    const graph = builder.build();
    expect(Object.keys(graph.inputs)).toEqual(['constructor']);
    expect(Object.keys(graph.outputs)).toEqual(['toString']);
    expect(graph.nodes[2]!.inputNames).toEqual(['hasOwnProperty']);
  });
});

describe('GraphBuilder.graph()', () => {
  function network() {
    const builder = new GraphBuilder();
    const image = builder.input('image', vector);
    const scale = builder.constant('scale', { ...vector, data: new Float32Array([1, 2, 3]) });
    const scores = builder.kernel('Multiply', { a: image, b: scale });
    builder.output('scores', scores);
    builder.output('image', image);
    return builder.build();
  }

  it('inlines a graph behind a host node', () => {
    const builder = new GraphBuilder();
    const { pixels } = builder.host('decode', { outputs: { pixels: vector }, run: () => ({}) });
    const { scores, image } = builder.graph(network(), { image: pixels }, { prefix: 'net' });
    builder.output('scores', scores!);
    builder.output('image', image!);
    const graph = builder.build();
    expect(names(graph)).toEqual(['decode', 'net/scale', 'net/Multiply']);
    expect(graph.inputs).toEqual({});
    expect(graph.outputValues.get('image')).toBe(graph.nodes[0]!.outputs[0]);
  });

  it('keeps nodes apart when a graph is inlined twice', () => {
    const builder = new GraphBuilder();
    const once = builder.graph(network(), { image: builder.input('image', vector) });
    const twice = builder.graph(network(), { image: once['scores']! });
    builder.output('scores', twice['scores']!);
    expect(names(builder.build())).toEqual([
      'image',
      'graph/scale',
      'graph/Multiply',
      'graph_1/scale',
      'graph_1/Multiply',
    ]);
    expect(codeOf(() => builder.graph(network(), { image: 'image' }, { prefix: 'graph' }))).toBe(
      'INVALID_GRAPH',
    );
  });

  it('checks that exactly the inputs are bound, with the right specs, also of later nodes', () => {
    const builder = new GraphBuilder();
    builder.input('short', { dtype: 'float32', shape: [2] });
    const attempts = [{}, { image: 'short' }, { image: 'x', more: 'x' }, { imago: 'x' }] as Record<
      string,
      string
    >[];
    for (const inputs of attempts) {
      expect(codeOf(() => builder.graph(network(), inputs))).toBe('INVALID_GRAPH');
    }
    builder.output('scores', builder.graph(network(), { image: 'later' })['scores']!);
    builder.input('later', { dtype: 'int32', shape: [3] });
    expect(() => builder.build()).toThrow(/expected float32\[3\], received int32\[3\]/);
  });
});
