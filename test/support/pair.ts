/** A graph of two kernels, and runs of it that keep a stream busy. */
import type { Engine } from '../../runtime/engine.js';
import type { Executable } from '../../runtime/executable.js';
import { GraphBuilder } from '../../runtime/graph-builder.js';
import type { Graph } from '../../scheduler/graph.js';
import type { RunReport } from '../../scheduler/outcome.js';
import type { TensorSpec } from '../../scheduler/tensor.js';
import type { ArmedAction, Puppet } from './puppet.js';

const SPEC: TensorSpec = { dtype: 'float32', shape: [1] };
export const FEEDS = { x: Float32Array.of(3) };

/** Two independent kernels, `n0` and `n1`. */
export function pair(): Graph {
  const builder = new GraphBuilder();
  const x = builder.input('x', SPEC);
  for (const name of ['n0', 'n1']) builder.output(name, builder.kernel('Neg', { x }, {}, { name }));
  return builder.build();
}

/** Compiles `pair`, one kernel per stream. */
export function spreadPair(engine: Engine): Promise<Executable> {
  return engine.compile(pair(), { name: 'spread', placement: ({ index }) => index % 2 });
}

/** Starts a run that occupies the stream until the action is released. */
export async function occupy(
  puppet: Puppet,
  executable: Executable,
): Promise<ArmedAction & { done: Promise<RunReport> }> {
  const pause = puppet.arm(0, 'pause');
  const done = executable.run(FEEDS).then(({ report }) => report);
  await pause.reached();
  return { ...pause, done };
}
