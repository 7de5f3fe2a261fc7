import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { GraphBuilder } from '../runtime/graph-builder.js';
import type { Graph, HostFunction } from '../scheduler/graph.js';

const SPEC = { dtype: 'float32', shape: [2, 3] } as const;
const echo: HostFunction = ({ x }) => ({ y: x!.data });

function chain(inputs: number): Graph {
  const builder = new GraphBuilder();
  const values = Array.from({ length: inputs }, (_, index) => builder.input(`x${index}`, SPEC));
  const w = builder.constant('w', { ...SPEC, data: new Float32Array(6) });
  const { y } = builder.host('echo', { inputs: { x: values[0] }, outputs: { y: SPEC }, run: echo });
  builder.output('y', builder.kernel('Neg', { x: builder.kernel('Add', { a: y, b: w }) }));
  return builder.build();
}

describe('a graph on the console', () => {
  it('is one line: inputs, outputs, and how many nodes', () => {
    expect(inspect(chain(1))).toBe(
      'Graph { inputs: { x0: float32[2,3] }, outputs: { y: float32[2,3] }, nodes: 2 kernel, 1 host, 1 constant }',
    );
  });

  it('names a few of many inputs', () => {
    const text = inspect({ graph: chain(20) });
    expect(text).toContain('x7: float32[2,3], … 12 more }');
    expect(text).not.toContain('x8');
  });

  it('has no further property that a copy would get', () => {
    expect(Reflect.ownKeys({ ...chain(1) })).toEqual([
      'nodes',
      'values',
      'inputs',
      'outputs',
      'inputValues',
      'outputValues',
    ]);
  });
});
