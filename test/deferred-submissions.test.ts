/** Work that may reach the device together with what follows it: on the virtual device, whose log tells when what was submitted. */
import { describe, expect, it } from 'vitest';
import type { VirtualLogEntry } from '../kernels/virtual/options.js';
import { DEVICE_PROFILES } from '../kernels/virtual/profiles.js';
import { createEngine, GraphBuilder, type RunOptions } from '../runtime/index.js';
import { NodeCosts } from '../scheduler/cancellation.js';
import { MarkWindow } from '../scheduler/mark-window.js';

const NODES = 40;
const BATCH = 8;
const KERNEL_MS = 0.02;

function chain() {
  const graph = new GraphBuilder();
  const x = graph.input('x', { dtype: 'float32', shape: [2] });
  let y = x;
  for (let node = 0; node < NODES; node++)
    y = graph.kernel('Add', { a: y, b: x }, {}, { name: `node ${node}` });
  graph.output('y', y);
  return graph.build();
}

/** Runs the chain three times, so that its nodes are known. Gives the sizes of the last run's submissions, and the run. */
async function submissionsOf(options: RunOptions) {
  const log: VirtualLogEntry[] = [];
  const profile = { ...DEVICE_PROFILES.h200, batch: BATCH, encodeMs: 0.001 };
  const engine = await createEngine({
    device: 'virtual',
    virtual: { profile, compute: true, kernelMs: () => KERNEL_MS, log: (entry) => log.push(entry) },
  });
  const executable = await engine.compile(chain());
  const feeds = { x: Float32Array.of(1, 2) };
  for (let run = 0; run < 2; run++) await executable.run(feeds, options);
  log.length = 0;
  const { outputs } = await executable.run(feeds, options);
  await engine.close();
  const sizes = new Map<number, number>();
  for (const { event, name, atMs } of log)
    if (event === 'submit' && name.startsWith('node')) sizes.set(atMs, (sizes.get(atMs) ?? 0) + 1);
  return { sizes: [...sizes.values()], y: [...outputs.y!.data] };
}

describe('a device on which a submission costs time of its own', () => {
  const expected = [NODES + 1, 2 * (NODES + 1)];

  it("gets as many nodes at once as it likes in mode 'none'", async () => {
    const { sizes, y } = await submissionsOf({ cancellation: 'none' });
    expect(Math.max(...sizes)).toBe(BATCH);
    // The copy of the feed takes a place in the first.
    expect(sizes).toHaveLength(NODES / BATCH + 1);
    expect(y).toEqual(expected);
  });

  it("gets each node by itself in mode 'node'", async () => {
    const { sizes, y } = await submissionsOf({ cancellation: 'node' });
    expect(sizes).toEqual(new Array(NODES).fill(1));
    expect(y).toEqual(expected);
  });

  it('gets a small part of the window at once', async () => {
    const precisionMs = 0.8;
    const { sizes, y } = await submissionsOf({ cancellation: { precisionMs } });
    expect(Math.max(...sizes)).toBeGreaterThan(1);
    expect(Math.max(...sizes) * KERNEL_MS).toBeLessThanOrEqual((precisionMs / 2) * 0.25);
    expect(y).toEqual(expected);
  });
});

describe('what the window lets wait for the next submission', () => {
  it('is nothing that has never been measured', () => {
    const window = new MarkWindow(new NodeCosts(2), 8, 0);
    window.submitted(0, 0);
    expect(window.mayDefer()).toBe(false);
  });

  it('starts anew with each submission, and with each wait', () => {
    const costs = new NodeCosts(8);
    costs.ms.fill(0.3);
    const window = new MarkWindow(costs, 8, 0);
    const deferrals = [0, 1, 2].map((step) => {
      window.submitted(step, 0);
      if (!window.mayDefer()) {
        window.handedOver(0);
        return false;
      }
      return true;
    });
    expect(deferrals).toEqual([true, false, true]);
    expect(window.mayDefer()).toBe(true);
    window.finished(2, 1, true);
    window.submitted(3, 1);
    expect(window.mayDefer()).toBe(true);
  });

  it('has started when it was handed over, not when the first of it was submitted', () => {
    const costs = new NodeCosts(2);
    costs.ms.fill(0.1);
    const window = new MarkWindow(costs, 8, 0);
    window.submitted(0, 0);
    window.submitted(1, 1);
    window.handedOver(2);
    window.finished(1, 2.4, true);
    expect([...costs.ms]).toEqual([0.2, 0.2].map((ms) => expect.closeTo(ms, 6)));
  });
});
