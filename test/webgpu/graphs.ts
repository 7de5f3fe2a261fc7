/** Graphs that the tests of engines on WebGPU share. */
import { expect } from 'vitest';
import type { BuilderValue } from '../../runtime/graph-builder/value.js';
import { type Engine, type Executable, type Graph, GraphBuilder } from '../../runtime/index.js';

const MATRIX = { dtype: 'float32', shape: [2, 2] } as const;

export const FEEDS = { x: Float32Array.of(1, -2, 3, 4) };
const EXPECTED = [0, 0, 18, 26];

/** `y = relu(x · w + w)`, of which the sum may have another name. */
export function small(name = 'sum'): Graph {
  const builder = new GraphBuilder();
  const x = builder.input('x', MATRIX);
  const w = builder.constant('w', { ...MATRIX, data: Float32Array.of(1, 2, 3, 4) });
  const product = builder.kernel('BatchMatMul', { a: x, b: w });
  const sum = builder.kernel('Add', { a: product, b: w }, {}, { name });
  builder.output('y', builder.kernel('Relu', { x: sum }));
  return builder.build();
}

export const matrix = (length: number) => new Float32Array(length * length).fill(1 / length);

/** A chain of products of the input `x` that takes long enough to be stopped in the middle. */
export function long(length: number, nodes: number): Graph {
  const builder = new GraphBuilder();
  const spec = { dtype: 'float32', shape: [length, length] } as const;
  const w = builder.constant('w', { ...spec, data: matrix(length) });
  let value: BuilderValue = builder.input('x', spec);
  for (let node = 0; node < nodes; node++) value = builder.kernel('BatchMatMul', { a: value, b: w });
  builder.output('y', value);
  return builder.build();
}

export async function expectCorrect(executable: Executable): Promise<void> {
  const { outputs } = await executable.run(FEEDS);
  expect([...outputs['y']!.data]).toEqual(EXPECTED);
}

/** The engine works, and nothing is left on it. */
export async function checkSmall(engine: Engine): Promise<void> {
  const executable = await engine.compile(small());
  await expectCorrect(executable);
  await executable.dispose();
  expect(engine.stats().bytes.live).toBe(0);
}
