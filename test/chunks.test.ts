/** Chunks in a stream's session, on a device whose time a test counts. */
import { describe, expect, it } from 'vitest';
import { createClaims } from '../kernels/stream-worker/claims.js';
import { drive, waiterOn } from '../kernels/stream-worker/driver.js';
import type { FromStream, SegmentEnd } from '../kernels/stream-worker/protocol.js';
import { StreamSession } from '../kernels/stream-worker/session.js';
import type { BuilderValue } from '../runtime/graph-builder/value.js';
import { GraphBuilder } from '../runtime/graph-builder.js';
import { type CancellationMode, RUN_STATE } from '../scheduler/cancellation.js';
import { curfewError } from '../scheduler/errors.js';
import type { Graph } from '../scheduler/graph.js';
import { writeConstants } from '../scheduler/plan/constants.js';
import { planGraph } from '../scheduler/plan-graph.js';
import { ChunkingBackend, type Durations } from './support/chunking-backend.js';
import { ManualClock } from './support/manual-clock.js';

const SPEC = { dtype: 'float32', shape: [] } as const;
const NODES = 12;
const NONE: CancellationMode = { kind: 'none' };
const NODE: CancellationMode = { kind: 'node' };
const precision = (precisionMs: number): CancellationMode => ({ kind: 'precision', precisionMs });

/** `n0` … `n11`; every third adds a constant. */
function chain(output?: string): Graph {
  const builder = new GraphBuilder();
  let value: BuilderValue = builder.input('x', SPEC);
  for (let index = 0; index < NODES; index++) {
    const name = `n${index}`;
    const b = builder.constant(`c${index}`, { ...SPEC, data: Float32Array.of(index) });
    value =
      index % 3 === 0
        ? builder.kernel('Add', { a: value, b }, {}, { name })
        : builder.kernel('Neg', { x: value }, {}, { name });
    if (name === output) builder.output('early', value);
  }
  builder.output('y', value);
  return builder.build();
}

/** A node takes 10 ms by itself and 4 in a chunk, whose call takes 1. */
const FAST_CHUNKS: Durations = { plainMs: () => 10, inChunkMs: () => 4, callMs: 1 };

function start(
  graph: Graph,
  { ahead = [NONE], durations = FAST_CHUNKS }: { ahead?: CancellationMode[]; durations?: Durations } = {},
  prepare: (backend: ChunkingBackend) => void = () => undefined,
  /** Pieces of making chunks that are done at once. */
  pieces = Number.POSITIVE_INFINITY,
) {
  const clock = new ManualClock();
  const backend = new ChunkingBackend(clock, durations);
  prepare(backend);
  const plan = planGraph(graph, { streams: 1, placement: 'single', chunks: { ahead } });
  const told: FromStream[] = [];
  const control = new Int32Array(2);
  let constantBytes = 0;
  const session = new StreamSession({
    backend,
    control,
    claims: createClaims(2),
    clock,
    post: (message) => told.push(message),
    onMemory: (bytes) => {
      constantBytes = bytes;
    },
  });
  const wait = waiterOn(backend);
  const constants = new SharedArrayBuffer(plan.constantBytes);
  writeConstants(graph, new Uint8Array(constants));
  void drive(session.handle({ type: 'load', key: 0, program: plan.programs[0]!, constants }), wait);
  void drive(
    session.handle({ type: 'exchange', slot: 0, buffer: new SharedArrayBuffer(plan.exchangeBytes) }),
    wait,
  );
  const makeReady = (most = Number.POSITIVE_INFINITY) => {
    let done = 0;
    for (; done < most && session.hasMore; done++) void drive(session.makeReady(), wait);
    return done;
  };
  makeReady(pieces);
  let ticket = 0;
  return {
    backend,
    told,
    clock,
    constantBytes: () => constantBytes,
    unload: () => void drive(session.handle({ type: 'unload', key: 0 }), wait),
    makeReady,
    /** Runs once, stopped when `stopAt` has begun. Returns what executed, and how the segment ended. */
    run: (mode: CancellationMode, stopAt?: string) => {
      control[0] = RUN_STATE.running;
      backend.executed.length = 0;
      backend.onRun = (name) => {
        if (name === stopAt) control[0] = RUN_STATE.aborted;
      };
      const segment = { type: 'segment', slot: 0, key: 0, segment: 0, mode, timeline: undefined } as const;
      void drive(session.handle({ ...segment, ticket: ++ticket }), wait);
      void drive(session.handle({ type: 'close', slot: 0, acknowledge: false }), wait);
      return { executed: [...backend.executed], end: told.at(-1) as SegmentEnd };
    },
  };
}

const names = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `n${from + index}`);
const BYTES = 4;
/** 0 + 12 nodes + constants 0, 3, 6, 9. */
const RESULT = NODES + 18;

function resultOf({ outputs }: SegmentEnd, index = 0): number {
  return new Float32Array(outputs[index]!.buffer)[0]!;
}

describe('a program in chunks', () => {
  it("is one chunk in mode 'none' once it is loaded", () => {
    const { run, backend, constantBytes } = start(chain());
    const { executed, end } = run(NONE);
    expect(executed).toEqual([names(0, NODES)]);
    expect(end).toMatchObject({ status: 'completed', nodesCompleted: NODES, error: undefined });
    expect(resultOf(end)).toBe(RESULT);
    // Four constants, and once more in the chunk.
    expect(constantBytes()).toBe(backend.memory.liveBytes);
    expect(constantBytes()).toBe(2 * 4 * BYTES);
  });

  it('is executed node by node in a mode that has no chunks yet, and in chunks of the mode later', () => {
    const { run, makeReady } = start(chain(), { ahead: [] });
    const mode = precision(20);
    expect(run(mode).executed).toEqual(names(0, NODES));
    expect(makeReady()).toBeGreaterThan(1);
    // At most 15 ms between two looks: three nodes and the call take 13.
    const { executed, end } = run(mode);
    expect(executed).toEqual([names(0, 3), names(3, 6), names(6, 9), names(9, 12)]);
    expect(resultOf(end)).toBe(RESULT);
    expect(makeReady()).toBe(0);
  });

  it('is made ready a piece at a time, with runs in between', () => {
    const { run, makeReady } = start(chain(), { ahead: [] });
    run(precision(20));
    while (makeReady(1) === 1) expect(resultOf(run(precision(20)).end)).toBe(RESULT);
    expect(run(precision(20)).executed).toHaveLength(4);
  });

  it("executes each node in the way that is faster in mode 'node'", () => {
    const inChunkMs = ({ name }: { name: string }) => (name === 'n5' ? 30 : 4);
    const { run } = start(chain(), {
      ahead: [NODE],
      durations: { ...FAST_CHUNKS, inChunkMs },
    });
    expect(run(NODE).executed).toEqual(names(0, NODES).map((name) => (name === 'n5' ? name : [name])));
  });

  it('cuts again what takes longer than estimated', () => {
    const inChunkMs = ({ name }: { name: string }) => (name === 'n1' || name === 'n2' ? 14 : 1);
    const { run, backend } = start(chain(), {
      ahead: [precision(20)],
      durations: { ...FAST_CHUNKS, plainMs: () => 100, inChunkMs },
    });
    const { executed } = run(precision(20));
    const both = executed.filter((chunk) => chunk.includes('n1') && chunk.includes('n2'));
    expect(both).toEqual([]);
    expect(executed.flat()).toEqual(names(0, NODES));
    // Chunks of earlier cuts are gone.
    expect([...backend.alive].flat().sort()).toEqual(names(0, NODES).sort());
  });

  it('shares a level among modes that ask for about the same, and makes only so many', () => {
    const { run, makeReady, backend } = start(chain(), { ahead: [] });
    for (const precisionMs of [100, 90, 80]) {
      run(precision(precisionMs));
      makeReady();
    }
    const held = backend.alive.size;
    expect(held).toBe(1);
    const levels = new Set<number>();
    for (let precisionMs = 60; precisionMs > 0.01; precisionMs /= 2) {
      run(precision(precisionMs));
      makeReady();
      levels.add(backend.alive.size);
    }
    // Six, and nothing more however fine.
    expect(levels.size).toBeLessThanOrEqual(6);
  });
});

describe('a stop', () => {
  it.each(names(0, NODES))('in %s ends the run behind its chunk', (node) => {
    const { run, backend, constantBytes } = start(chain(), { ahead: [precision(20)] });
    const { end } = run(precision(20), node);
    const completed = 3 * Math.floor(Number(node.slice(1)) / 3) + 3;
    expect(end.nodesCompleted).toBe(completed);
    expect(end.status).toBe(completed === NODES ? 'completed' : 'stopped');
    expect(backend.memory.liveBytes).toBe(constantBytes());
  });

  it('leaves the outputs of the chunks before it', () => {
    const { run } = start(chain('n4'), { ahead: [precision(20)] });
    const { end } = run(precision(20), 'n7');
    expect(end.outputs).toHaveLength(1);
    expect(resultOf(end)).toBe(5 + 3);
  });
});

describe('what cannot be in a chunk', () => {
  it('is executed by itself between chunks', () => {
    const { run } = start(chain(), {}, ({ opaque }) => opaque.add('n4'));
    const { executed, end } = run(NONE);
    expect(executed).toEqual([names(0, 4), 'n4', names(5, NODES)]);
    expect(resultOf(end)).toBe(RESULT);
  });

  it('is found when the device refuses a chunk', () => {
    const { run } = start(chain(), {}, (backend) => {
      backend.onCompile = (nodes) => {
        if (nodes.includes('n6')) throw curfewError('UNSUPPORTED_OP', 'no such op in graphs');
      };
    });
    const { executed, end } = run(NONE);
    expect(executed.flat()).toEqual(names(0, NODES));
    expect(executed).toContain('n6');
    expect(resultOf(end)).toBe(RESULT);
  });

  it('is not what the device fails to compile for another reason: the program is refused', () => {
    const { told, constantBytes, backend } = start(chain(), {}, (chunking) => {
      chunking.onCompile = () => {
        throw new Error('no temporary folder');
      };
    });
    expect(told).toMatchObject([
      { type: 'not-loaded', key: 0, error: { code: 'KERNEL_FAILED', message: 'no temporary folder' } },
    ]);
    expect([constantBytes(), backend.alive.size, backend.memory.liveBytes]).toEqual([0, 0, 0]);
  });

  it('is a program for whose chunks the memory does not suffice', () => {
    const { run, told, constantBytes, backend } = start(chain(), {}, (chunking) => {
      chunking.onCompile = () => {
        throw curfewError('OUT_OF_MEMORY', 'full');
      };
    });
    expect(told).toEqual([{ type: 'loaded', key: 0, fallbacks: [] }]);
    expect(run(NONE).executed).toEqual(names(0, NODES));
    expect([constantBytes(), backend.alive.size]).toEqual([4 * BYTES, 0]);
  });
});

describe('a node that fails', () => {
  it('on made-up data does not keep others out of chunks', () => {
    const { run } = start(chain(), {}, (backend) => {
      backend.onRun = (name) => {
        if (name === 'n4') throw new Error('not on such data');
      };
    });
    const { executed, end } = run(NONE);
    expect(executed.flat()).toEqual(names(0, NODES));
    expect(resultOf(end)).toBe(RESULT);
  });

  it('in a chunk fails the run, and the next one works', () => {
    const { run, backend, constantBytes } = start(chain());
    const fail = (name: string) => {
      if (name === 'n4') throw curfewError('KERNEL_FAILED', 'broken', { node: 'n4' });
    };
    const onRun = Object.getOwnPropertyDescriptor(backend, 'onRun')!;
    Object.defineProperty(backend, 'onRun', { configurable: true, get: () => fail, set: () => undefined });
    const { end } = run(NONE);
    expect(end).toMatchObject({
      status: 'failed',
      nodesCompleted: 0,
      error: { code: 'KERNEL_FAILED', node: 'n4' },
    });
    Object.defineProperty(backend, 'onRun', onRun);
    expect(resultOf(run(NONE).end)).toBe(RESULT);
    expect(constantBytes()).toBeGreaterThan(0);
  });
});

describe('a program that is being loaded', () => {
  it('executes runs node by node before its chunks are made, and is answered for when they are', () => {
    const stage = start(chain(), {}, undefined, 0);
    expect(stage.told).toEqual([]);
    while (stage.told.length === 0 || stage.told.at(-1)!.type === 'segment') {
      const { executed, end } = stage.run(NONE);
      expect(executed).toEqual(names(0, NODES));
      expect(resultOf(end)).toBe(RESULT);
      if (stage.makeReady(1) === 0) break;
    }
    expect(stage.told.filter(({ type }) => type === 'loaded')).toEqual([
      { type: 'loaded', key: 0, fallbacks: [] },
    ]);
    expect(stage.run(NONE).executed).toEqual([names(0, NODES)]);
  });

  it('gives the stream back after each node and each chunk', () => {
    const stage = start(chain(), {}, undefined, 0);
    stage.backend.executed.length = 0;
    while (stage.makeReady(1) === 1) {
      expect(stage.backend.executed.length).toBeLessThanOrEqual(1);
      stage.backend.executed.length = 0;
    }
  });
});

describe('unloading', () => {
  it('frees all chunks, in the middle of making some as well', () => {
    for (let pieces = 0; pieces < 30; pieces++) {
      const { run, makeReady, unload, backend } = start(chain());
      run(precision(20));
      makeReady(pieces);
      unload();
      expect([pieces, backend.alive.size, backend.memory.liveBytes]).toEqual([pieces, 0, 0]);
      expect(makeReady()).toBe(0);
    }
  });
});
