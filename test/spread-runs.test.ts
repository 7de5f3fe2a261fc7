import { describe, expect, it } from 'vitest';
import type { VirtualFault } from '../kernels/virtual/options.js';
import type { Engine } from '../runtime/engine.js';
import type { Executable } from '../runtime/executable.js';
import { GraphBuilder } from '../runtime/graph-builder.js';
import { MAX_OVERTAKEN } from '../runtime/waiting-runs.js';
import type { Graph } from '../scheduler/graph.js';
import { rejection, runRejection } from './support/catch-error.js';
import { startEngine, startPuppetEngine } from './support/engines.js';
import { until } from './support/until.js';

const FEEDS = { x: Float32Array.of(3) };
const BYTES = Float32Array.BYTES_PER_ELEMENT;

/** A chain over `lanes` lanes, there and back, in which lane n adds a constant of n + 1 elements. */
function zigzag(lanes: number): Graph {
  const builder = new GraphBuilder();
  let value = builder.input('x', { dtype: 'float32', shape: [1] });
  const there = Array.from({ length: lanes }, (_, lane) => lane);
  for (const [step, lane] of [...there, ...there.toReversed()].entries()) {
    if (step < lanes) {
      const data = new Float32Array(lane + 1).fill(10 ** lane);
      const b = builder.constant(`c${lane}`, { dtype: 'float32', shape: [data.length], data });
      const sum = builder.kernel('Add', { a: value, b }, {}, { name: `add ${lane}` });
      value = builder.kernel(
        'Max',
        { x: sum },
        { reductionIndices: [0], keepDims: true },
        {
          name: `max ${lane}`,
        },
      );
    } else value = builder.kernel('Neg', { x: value }, {}, { name: `neg ${lane}` });
  }
  builder.output('y', value);
  return builder.build();
}

const placement = ({ name }: { readonly name: string }) => Number(name.split(' ')[1]);

function compile(engine: Engine, lanes: number): Promise<Executable> {
  return engine.compile(zigzag(lanes), { name: 'spread', placement });
}

/** What `zigzag` makes of the feed. */
function expected(lanes: number): number {
  return Number.parseInt('1'.repeat(lanes), 10) + 3;
}

async function expectCorrect(executable: Executable): Promise<void> {
  const { outputs } = await executable.run(FEEDS);
  const sign = executable.streams % 2 === 0 ? 1 : -1;
  expect([...outputs['y']!.data]).toEqual([sign * expected(executable.streams)]);
}

/** A graph of one kernel that a puppet knows as 0. */
function single(name = 'n0'): Graph {
  const builder = new GraphBuilder();
  const x = builder.input('x', { dtype: 'float32', shape: [1] });
  builder.output('y', builder.kernel('Neg', { x }, {}, { name }));
  return builder.build();
}

/** Breaks a stream at `atMs`: its replacement dies before it is ready. */
function breaks(stream: number, atMs: number): VirtualFault[] {
  return [1, 2].map(() => ({ kind: 'device-lost', stream, atMs }));
}

const isBroken = (engine: Engine, stream: number) => () => engine.stats().streams[stream]!.replaced === 1;

describe('a run that is spread', () => {
  it('takes whichever streams are free, and computes the same on all of them', async () => {
    const { engine, puppet } = await startPuppetEngine({ streams: 4, runsInFlight: 1 });
    const [one, spread] = await Promise.all([engine.compile(single()), compile(engine, 2)]);
    const paused: { release(): void; done: Promise<unknown> }[] = [];
    for (let busy = 0; busy <= 2; busy++) {
      await expectCorrect(spread);
      const pause = puppet.arm(0, 'pause');
      paused.push({ release: pause.release, done: one.run(FEEDS) });
      await pause.reached();
    }
    const waiting = expectCorrect(spread);
    expect(engine.stats().runs).toMatchObject({ queued: 1, inFlight: 3 });
    // Streams 1 and 3: neither the first ones nor neighbors.
    paused[1]!.release();
    await waiting;
    for (const pause of paused) pause.release();
    await Promise.all(paused.map(({ done }) => done));
    expect(engine.stats().bytes.live).toBe(0);
  });

  it('keeps its constants where its lanes may come, and nowhere once it is disposed', async () => {
    const engine = await startEngine({ streams: 4 });
    const spread = await compile(engine, 3);
    const constants = () => engine.stats().streams.map(({ bytes }) => bytes.constants);
    expect(constants()).toEqual([1, 1 + 2, 2 + 3, 3].map((elements) => elements * BYTES));
    await expectCorrect(spread);
    spread.dispose();
    await until(() => engine.stats().bytes.constants === 0, 'the constants are freed');
  });

  it('is not compiled anywhere when one of its lanes does not fit', async () => {
    const engine = await startEngine({ streams: 3, memoryLimitBytes: 2 * BYTES });
    expect(await rejection(compile(engine, 2))).toMatchObject({ code: 'OUT_OF_MEMORY' });
    await until(() => engine.stats().bytes.constants === 0, 'the constants that did fit are freed');
  });

  it('names nodes that fall back once', async () => {
    const engine = await startEngine({ streams: 3 });
    const builder = new GraphBuilder();
    const x = builder.input('x', { dtype: 'float32', shape: [2, 2] });
    for (const lane of [0, 1]) {
      const attributes = { equation: 'ij->ji' };
      builder.output(`y${lane}`, builder.kernel('Einsum', { '0': x }, attributes, { name: `e ${lane}` }));
    }
    const { fallbacks } = await engine.compile(builder.build(), { placement });
    expect(fallbacks.map(({ node }) => node)).toEqual(['e 0', 'e 1']);
  });

  it('has no streams held for it while one that it needs is being replaced', async () => {
    const kernelMs = ({ name }: { readonly name: string }) => (name === 'long' ? 1000 : 1);
    const faults = [{ kind: 'device-lost', stream: 2, atMs: 100 }] as const;
    const engine = await startEngine({
      device: 'virtual',
      streams: 3,
      runsInFlight: 1,
      virtual: { kernelMs, faults },
    });
    const [long, short] = await Promise.all([engine.compile(single('long')), engine.compile(single())]);
    const triple = await compile(engine, 3);
    const first = long.run(FEEDS);
    const waiting = triple.run(FEEDS);
    for (let run = 0; run < MAX_OVERTAKEN; run++) await short.run(FEEDS);
    const { report } = await short.run(FEEDS);
    expect(report.queuedMs).toBeGreaterThan(50);
    expect(report.queuedMs).toBeLessThan(200);
    expect(engine.stats().runs).toMatchObject({ queued: 1, inFlight: 1 });
    await Promise.all([first, waiting]);
  });

  it('does without a stream that will not come back, and is lost when too few are left', async () => {
    const engine = await startEngine({
      device: 'virtual',
      streams: 3,
      virtual: { compute: true, faults: [...breaks(0, 50), ...breaks(2, 500)], kernelMs: () => 1 },
    });
    const pair = await compile(engine, 2);
    const triple = await compile(engine, 3);
    while (!isBroken(engine, 0)()) await pair.run(FEEDS).catch(() => undefined);
    await expectCorrect(pair);
    expect(await runRejection(triple.run(FEEDS))).toMatchObject({
      code: 'DEVICE_LOST',
      report: { outcome: 'failed', nodesCompleted: 0, stream: undefined },
    });
    expect(await rejection(compile(engine, 3))).toMatchObject({ code: 'DEVICE_LOST' });
    await expectCorrect(await compile(engine, 2));
    const others = [compile(engine, 1), compile(engine, 2)];
    const [alone, late] = await Promise.all(others);
    while (!isBroken(engine, 2)()) await alone!.run(FEEDS).catch(() => undefined);
    expect(await runRejection(late!.run(FEEDS))).toMatchObject({ code: 'DEVICE_LOST' });
    await expectCorrect(alone!);
    expect(engine.stats().bytes.live).toBe(0);
  });
});
