/** Costs that a profile may have and the named ones do not: of fences that are waited for in pauses, and of each submission. */
import { describe, expect, it } from 'vitest';
import { DEVICE_PROFILES, type DeviceProfile } from '../kernels/virtual/profiles.js';
import { createEngine, GraphBuilder } from '../runtime/index.js';

/** Virtual milliseconds of a run of one node in mode 'node'. */
async function durationMs(kernelMs: number, costs: Partial<DeviceProfile>) {
  const graph = new GraphBuilder();
  const x = graph.input('x', { dtype: 'float32', shape: [2] });
  graph.output('y', graph.kernel('Neg', { x }));
  const profile = { ...DEVICE_PROFILES.h200, fenceMs: 0.01, ...costs };
  await using engine = await createEngine({
    device: 'virtual',
    virtual: { profile, kernelMs: () => kernelMs },
  });
  const executable = await engine.compile(graph.build());
  const { report } = await executable.run({ x: Float32Array.of(1, 2) }, { cancellation: 'node' });
  return report.durationMs;
}

describe('a fence that waits in pauses', () => {
  const pauses = { spinMs: 0.5, pausedFenceMs: 0.11 };

  it('costs more where the wait is longer than the device spins', async () => {
    const more = (await durationMs(2, pauses)) - (await durationMs(2, {}));
    expect(more).toBeCloseTo(0.1);
  });

  it('costs what every fence costs where the wait is shorter, and where no pauses are told', async () => {
    expect(await durationMs(0.1, pauses)).toBe(await durationMs(0.1, {}));
    expect(await durationMs(2, { spinMs: 0.5 })).toBe(await durationMs(2, {}));
  });
});

describe('a device that takes time for each submission', () => {
  it('starts that much later on it', async () => {
    const more = (await durationMs(0.1, { startMs: 0.05 })) - (await durationMs(0.1, {}));
    // The copy of the feed is a part of the submission.
    expect(more).toBeCloseTo(0.05);
  });
});
