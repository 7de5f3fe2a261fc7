/** A graph of thirty nodes, named `n0` to `n29`, with fan-out, fan-in, and host nodes beside device work. */
import { expect } from 'vitest';
import { interpret } from '../../kernels/reference/interpret.js';
import type { Executable } from '../../runtime/executable.js';
import { GraphBuilder } from '../../runtime/graph-builder.js';
import type { Graph, HostContext } from '../../scheduler/graph.js';
import type { TensorSpec } from '../../scheduler/tensor.js';

export const NODES = 30;
const SPEC: TensorSpec = { dtype: 'float32', shape: [2, 3] };

/** Inputs of each node by number; -1 is the feed. One input makes it a `Tanh`, two make it an `Add`. */
const INPUTS: readonly (readonly number[])[] = [
  [-1],
  [0],
  [0],
  [0],
  [1, 2],
  [2, 3],
  [1],
  [4, 5],
  [4],
  [5],
  [7, 8],
  [9, 6],
  [10],
  [10],
  [13, 9],
  [14],
  [11, 12],
  [16, 15],
  [17],
  [17],
  [17],
  [18],
  [19, 20],
  [22],
  [23, 20],
  [21, 24],
  [25],
  [25],
  [26, 27],
  [28, 0],
];

/** Which of them are host nodes: one on a side branch, one at a fan-in, two that everything waits for. */
export const HOST_NODES: ReadonlySet<number> = new Set([6, 12, 21, 26]);

/** Called when a host node starts; may throw. */
export type HostHook = (node: number, context: HostContext) => void | Promise<void>;

/** What every run is fed. */
export const FEEDS = { x: Float32Array.of(-1, -0.5, 0, 0.25, 0.5, 1) };

/** The graph. A host node halves its input; a constant takes part in `n29`. */
export function thirtyNodes(onHost: HostHook = () => undefined): Graph {
  const builder = new GraphBuilder();
  builder.input('x', SPEC);
  builder.constant('bias', { ...SPEC, data: new Float32Array(6).fill(0.125) });
  for (const [number, inputs] of INPUTS.entries()) {
    const [a, b] = inputs.map((input) => (input === -1 ? 'x' : `n${input}`)) as [string, string | undefined];
    if (HOST_NODES.has(number)) addHost(builder, number, a, onHost);
    else addKernel(builder, number, a, b);
  }
  builder.output('y', builder.kernel('Multiply', { a: 'n29', b: 'bias' }, {}, { name: 'scaled' }));
  builder.output('early', 'n5');
  return builder.build();
}

function addHost(builder: GraphBuilder, number: number, input: string, onHost: HostHook): void {
  builder.host(`n${number}`, {
    inputs: { value: input },
    outputs: { half: SPEC },
    run: async ({ value }, context) => {
      await onHost(number, context);
      return { half: (value!.data as Float32Array).map((element) => element / 2) };
    },
  });
}

function addKernel(builder: GraphBuilder, number: number, a: string, b: string | undefined): void {
  const options = { name: `n${number}` };
  if (b === undefined) builder.kernel('Tanh', { x: a }, {}, options);
  else builder.kernel('Add', { a, b }, {}, options);
}

const expected = interpret(thirtyNodes(), { x: { ...SPEC, data: FEEDS.x } });

/** Runs a compiled `thirtyNodes` and compares with the interpreter. */
export async function expectCorrectRun(executable: Executable): Promise<void> {
  const { outputs, report } = await executable.run(FEEDS);
  expect(report).toMatchObject({ outcome: 'completed', nodesCompleted: NODES + 1 });
  for (const [name, tensor] of Object.entries(await expected)) {
    const { data } = outputs[name]!;
    tensor.data.forEach((value, index) => {
      expect(data[index]).toBeCloseTo(value, 5);
    });
  }
}
