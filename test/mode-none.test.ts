import { afterEach, describe, expect, it, vi } from 'vitest';
import { drive, waiterOn } from '../kernels/stream-worker/driver.js';
import type { ToStream } from '../kernels/stream-worker/protocol.js';
import { StreamSession } from '../kernels/stream-worker/session.js';
import { GraphBuilder } from '../runtime/graph-builder.js';
import type { CancellationMode } from '../scheduler/cancellation.js';
import type { Graph } from '../scheduler/graph.js';
import type { DeviceTensor, KernelBackend } from '../scheduler/kernel.js';
import { planGraph } from '../scheduler/plan-graph.js';
import type { TensorSpec } from '../scheduler/tensor.js';
import { startPuppetEngine } from './support/engines.js';
import { ManualClock } from './support/manual-clock.js';
import { countingController } from './support/signals.js';

const SPEC: TensorSpec = { dtype: 'float32', shape: [2] };

/** Kernels named `n0`, `n1`, …; a host node takes the place of every tenth, so that the main thread has work too. */
function chain(nodes: number): Graph {
  const builder = new GraphBuilder();
  builder.input('x', SPEC);
  for (let node = 0; node < nodes; node++) {
    const x = node === 0 ? 'x' : `n${node - 1}`;
    const isHost = node % 10 === 5;
    if (isHost)
      builder.host(`n${node}`, { inputs: { x }, outputs: { y: SPEC }, run: ({ x }) => ({ y: x! }) });
    else builder.kernel('Neg', { x }, {}, { name: `n${node}` });
  }
  builder.output('y', `n${nodes - 1}`);
  return builder.build();
}

/** Reads of clock and signal from the dispatch until the last segment is about to end, and until the run settles. */
async function countReads(nodes: number, cancellation: 'none' | 'node') {
  const clock = new ManualClock();
  const { engine, puppet } = await startPuppetEngine({}, clock);
  const executable = await engine.compile(chain(nodes));
  const { controller, use } = countingController();
  const atDispatch = { clock: 0, signal: 0 };
  engine.on('run:dispatched', () => {
    Object.assign(atDispatch, { clock: clock.reads, signal: use.reads + use.added });
  });
  const pause = puppet.arm(nodes - 1, 'pause');
  const run = executable.run({ x: Float32Array.of(1, 2) }, { signal: controller.signal, cancellation });
  await pause.reached();
  const during = { clock: clock.reads - atDispatch.clock, signal: use.reads + use.added - atDispatch.signal };
  pause.release();
  const { report } = await run;
  expect(report).toMatchObject({ mode: cancellation, nodesCompleted: nodes });
  return { during, total: clock.reads + use.reads + use.added };
}

describe("mode 'none' on the main thread", () => {
  it('reads neither the signal nor the clock between the dispatch and the end of the last segment', async () => {
    expect((await countReads(10, 'none')).during).toEqual({ clock: 0, signal: 0 });
    expect((await countReads(1000, 'none')).during).toEqual({ clock: 0, signal: 0 });
  });

  it('reads as often for 1000 nodes as for 10', async () => {
    expect((await countReads(1000, 'none')).total).toBe((await countReads(10, 'none')).total);
  });
});

/** A backend whose tensors are their specs. */
function nullBackend(): KernelBackend {
  return {
    device: 'null',
    memory: { liveBytes: 0, peakBytes: 0 },
    prepare: ({ outputs, outputSpecs }) => ({
      run: (values) => {
        for (const [index, id] of outputs.entries()) values[id] = outputSpecs[index] as DeviceTensor;
      },
    }),
    upload: (spec) => spec,
    read: (tensor) => new Uint8Array(4 * tensor.shape.reduce((count, length) => count * length, 1)),
    release: () => undefined,
    close: () => undefined,
  };
}

/** Executes a chain's only segment in a worker's session; returns reads of its clock and of control words. */
function countWorkerReads(nodes: number, mode: CancellationMode, stopped = false) {
  const builder = new GraphBuilder();
  let value = builder.input('x', SPEC);
  for (let node = 0; node < nodes; node++) value = builder.kernel('Neg', { x: value });
  builder.output('y', value);
  const plan = planGraph(builder.build(), { streams: 1, placement: 'single' });
  const clock = new ManualClock();
  const backend = nullBackend();
  const statuses: string[] = [];
  const session = new StreamSession({
    backend,
    control: Int32Array.of(stopped ? 1 : 0),
    claims: new Int32Array(1),
    clock,
    post: (message) => {
      if (message.type === 'segment') statuses.push(`${message.status} ${message.nodesCompleted}`);
    },
    onMemory: () => undefined,
  });
  const wait = waiterOn(backend);
  const handle = (message: ToStream) => drive(session.handle(message), wait);
  handle({ type: 'load', key: 0, program: plan.programs[0]!, constants: new SharedArrayBuffer(0) });
  handle({ type: 'exchange', slot: 0, buffer: new SharedArrayBuffer(plan.exchangeBytes) });
  const loads = vi.spyOn(Atomics, 'load');
  handle({ type: 'segment', slot: 0, key: 0, segment: 0, mode, timeline: undefined, ticket: 1 });
  return { clock: clock.reads, control: loads.mock.calls.length, statuses };
}

describe("mode 'none' on a stream", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('reads neither the control word nor the clock, not even of a run that was stopped', () => {
    for (const nodes of [10, 1000]) {
      const statuses = [`completed ${nodes}`];
      expect(countWorkerReads(nodes, { kind: 'none' })).toEqual({ clock: 0, control: 0, statuses });
      vi.restoreAllMocks();
      expect(countWorkerReads(nodes, { kind: 'none' }, true)).toEqual({ clock: 0, control: 0, statuses });
      vi.restoreAllMocks();
    }
  });

  it("is what the count can tell apart: mode 'node' reads the word before every node, the clock once", () => {
    const expected = { clock: 1, control: 1000, statuses: ['completed 1000'] };
    expect(countWorkerReads(1000, { kind: 'node' })).toEqual(expected);
  });
});
