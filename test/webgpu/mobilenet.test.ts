/** A real network on WebGPU's kernels. */
import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, it } from 'vitest';
import { buildMobileNetV2 } from '../../bench/models/mobilenet-v2.js';
import { interpret } from '../../kernels/reference/interpret.js';
import { trace } from '../../runtime/trace.js';
import { startEngine } from '../support/engines.js';
import { createRandom } from '../support/random.js';

const TOLERANCE = 1e-3;
const SIZE = 96;

describe('MobileNetV2 on WebGPU', () => {
  it('gives what the interpreter gives, in every mode, with no node on the cpu', async () => {
    const model = buildMobileNetV2({ size: SIZE, classes: 100 });
    const shape = [1, SIZE, SIZE, 3] as const;
    const graph = await trace(({ x }) => ({ y: model.predict(x) }), { x: { dtype: 'float32', shape } });
    model.dispose();
    const random = createRandom(1);
    const x = Float32Array.from({ length: SIZE * SIZE * 3 }, () => random.next() * 2 - 1);
    const { y } = await interpret(graph, { x: { dtype: 'float32', shape, data: x } });
    const engine = await startEngine({ device: 'webgpu' });
    const executable = await engine.compile(graph);
    expect(executable.fallbacks).toEqual([]);
    for (const cancellation of ['none', 'node', { precisionMs: 4 }] as const) {
      const { outputs } = await executable.run({ x }, { cancellation });
      const largest = Math.max(...outputs.y.data.map((value, index) => Math.abs(value - y!.data[index]!)));
      expect(largest).toBeLessThan(TOLERANCE);
    }
    expect(engine.stats().bytes.live).toBe(0);
  });
});
