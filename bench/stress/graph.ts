/** The graph that a stress runs: products, sums and a host node, with fan-out and fan-in. */
import { type Graph, GraphBuilder } from '../../runtime/index.js';

const LENGTH = 32;
const SPEC = { dtype: 'float32', shape: [LENGTH, LENGTH] } as const;
const LAYERS = 8;

/** What every run is fed. */
export const FEEDS = { x: new Float32Array(LENGTH * LENGTH).fill(0.5) };

/** The host node takes some turns of the event loop, and ends when it is told to. */
export function stressGraph(): Graph {
  const builder = new GraphBuilder();
  const data = Float32Array.from({ length: LENGTH * LENGTH }, (_, index) => ((index % 7) - 3) / LENGTH);
  const weights = builder.constant('weights', { ...SPEC, data });
  let value = builder.input('x', SPEC);
  for (let layer = 0; layer < LAYERS; layer++) {
    const product = builder.kernel('BatchMatMul', { a: value, b: weights });
    value = builder.kernel('Tanh', { x: builder.kernel('Add', { a: product, b: value }) });
    if (layer % 3 === 2) {
      const { half } = builder.host(`half${layer}`, {
        inputs: { value },
        outputs: { half: SPEC },
        run: async ({ value }, { signal }) => {
          for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
          signal.throwIfAborted();
          return { half: (value!.data as Float32Array).map((element) => element / 2) };
        },
      });
      value = half;
    }
  }
  builder.output('y', value);
  return builder.build();
}
