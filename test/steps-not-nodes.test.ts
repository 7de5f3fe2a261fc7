/** A program whose steps are not nodes, on the example device: a node in two pieces, and two nodes in one step. */
import { describe, expect, it } from 'vitest';
import { createClaims } from '../kernels/stream-worker/claims.js';
import { drive, type Waiter, waiterOn } from '../kernels/stream-worker/driver.js';
import type { FromStream, SegmentEnd, ToStream } from '../kernels/stream-worker/protocol.js';
import { StreamSession } from '../kernels/stream-worker/session.js';
import { type CancellationMode, RUN_STATE } from '../scheduler/cancellation.js';
import { createSystemClock } from '../scheduler/clock.js';
import type { NodeId, ValueId } from '../scheduler/graph.js';
import type { ProgramNode } from '../scheduler/kernel.js';
import type { NodeExports, ProgramStep, StreamProgram } from '../scheduler/program.js';
import { RecordRing } from '../scheduler/record-ring.js';
import type { TensorSpec } from '../scheduler/tensor.js';
import type { Fences } from '../scheduler/work-queue.js';
import { createKernelBackend, type ExampleBackend } from './example-device/device.js';

const SPEC: TensorSpec = { dtype: 'float32', shape: [3] };
const X = Float32Array.of(-1, 0.25, 2);
const NODES = { inPieces: 1, first: 2, second: 3, last: 4 } as const;

const nodes = (...ids: number[]) => ids as NodeId[];
const values = (...ids: number[]) => ids as ValueId[];

function kernel(
  id: number,
  name: string,
  op: string,
  inputs: readonly number[],
  output: number,
): ProgramNode {
  const inputNames = inputs.length === 1 ? ['x'] : ['a', 'b'];
  return {
    id: id as NodeId,
    name,
    op,
    attributes: {},
    inputNames,
    inputs: values(...inputs),
    inputSpecs: inputs.map(() => SPEC),
    outputs: values(output),
    outputSpecs: [SPEC],
    cost: { operations: 3, bytes: 24 },
  };
}

function step(
  node: ProgramNode,
  completes: readonly NodeId[],
  frees: readonly ValueId[],
  exports?: NodeExports,
): ProgramStep {
  return { node, completes, frees, exports };
}

const toMain = (value: number, awaited: boolean): NodeExports => ({
  toExchange: [],
  toMain: [{ value: value as ValueId, spec: SPEC }],
  awaited,
});

/** -2 tanh(-x) of value 0, in value 4; somebody waits for value 3. */
const PROGRAM: StreamProgram = {
  valueCount: 5,
  constants: [],
  steps: [
    step(kernel(NODES.inPieces, 'in pieces', 'Neg', [0], 1), [], values(0)),
    step(kernel(NODES.inPieces, 'in pieces', 'Tanh', [1], 2), nodes(NODES.inPieces), values(1)),
    step(
      kernel(NODES.first, 'fused', 'Add', [2, 2], 3),
      nodes(NODES.first, NODES.second),
      values(2),
      toMain(3, true),
    ),
    step(kernel(NODES.last, 'last', 'Neg', [3], 4), nodes(NODES.last), values(3, 4), toMain(4, false)),
  ],
  segments: [
    {
      firstStep: 0,
      endStep: 4,
      imports: [{ value: 0 as ValueId, name: 'x', spec: SPEC, byteOffset: 0 }],
      shared: [],
    },
  ],
  sharedValues: [],
};

/** A stream's thread without a thread. */
class Stream {
  readonly backend: ExampleBackend;
  readonly sent: FromStream[] = [];
  readonly ring = RecordRing.create(64);
  readonly #control = new Int32Array(new SharedArrayBuffer(4));
  readonly #session: StreamSession;
  #ticket = 0;
  /** Submits after which the run is aborted. */
  #submitsLeft = Number.POSITIVE_INFINITY;

  constructor(fences: Fences, failingNode?: string) {
    const device = failingNode === undefined ? { fences } : { fences, failingNode };
    this.backend = createKernelBackend({ stream: 0, threads: 1, memoryLimitBytes: undefined, device });
    this.#session = new StreamSession({
      backend: this.backend,
      control: this.#control,
      claims: createClaims(1),
      clock: createSystemClock(),
      post: (message) => void this.sent.push(message),
      onMemory: () => undefined,
    });
  }

  async send(message: ToStream): Promise<void> {
    await drive(this.#session.handle(message), this.#waiter());
  }

  #waiter(): Waiter {
    const wait = waiterOn(this.backend);
    return (what) => {
      if (what.kind === 'submit' && --this.#submitsLeft === 0) this.#control[0] = RUN_STATE.aborted;
      return wait(what);
    };
  }

  async load(): Promise<void> {
    await this.send({ type: 'load', key: 1, program: PROGRAM, constants: new SharedArrayBuffer(0) });
    const buffer = new SharedArrayBuffer(X.byteLength);
    new Float32Array(buffer).set(X);
    await this.send({ type: 'exchange', slot: 0, buffer });
  }

  /** Runs the segment; gives what the stream tells at its end. */
  async run(mode: CancellationMode, abortAfterSubmits = Number.POSITIVE_INFINITY): Promise<SegmentEnd> {
    this.#control[0] = RUN_STATE.running;
    this.#submitsLeft = abortAfterSubmits;
    const timeline = { run: 1, ring: this.ring.buffer, copy: undefined };
    const ticket = ++this.#ticket;
    await this.send({ type: 'segment', slot: 0, key: 1, segment: 0, mode, timeline, ticket });
    return this.sent.at(-1) as SegmentEnd;
  }

  /** Ids of the records of a kind. */
  recorded(kind: string): number[] {
    const { records } = new RecordRing(this.ring.buffer).read();
    return records.filter((record) => record.kind === kind).map(({ id }) => id);
  }
}

async function startStream(fences: Fences, failingNode?: string): Promise<Stream> {
  const stream = new Stream(fences, failingNode);
  await stream.load();
  return stream;
}

const MODES: readonly CancellationMode[] = [
  { kind: 'none' },
  { kind: 'node' },
  { kind: 'precision', precisionMs: 5 },
];

describe.each<Fences>(['each', 'all'])("steps that are not nodes, fences '%s'", (fences) => {
  it.each(MODES)('give values, counts, messages and records of the nodes in mode $kind', async (mode) => {
    const stream = await startStream(fences);
    const end = await stream.run(mode);
    expect(end).toMatchObject({ status: 'completed', nodesCompleted: 4, error: undefined });
    const told = stream.sent.filter((message) => message.type === 'nodes');
    expect(told.map((message) => message.nodes)).toEqual([[NODES.first, NODES.second]]);
    const outputs = [...told.flatMap((message) => message.outputs), ...end.outputs];
    expect(outputs.map(({ value }) => value)).toEqual([3, 4]);
    const [doubled, negated] = outputs.map(({ buffer }) => [...new Float32Array(buffer)]);
    for (const [index, x] of X.entries()) {
      expect(doubled![index]).toBeCloseTo(-2 * Math.tanh(x), 6);
      expect(negated![index]).toBeCloseTo(2 * Math.tanh(x), 6);
    }
    const shown = [NODES.inPieces, NODES.inPieces, NODES.first, NODES.last];
    expect(stream.recorded('node')).toEqual(shown);
    expect(stream.recorded('submit')).toEqual(shown);
    expect(stream.backend.memory.liveBytes).toBe(0);
  });

  it.each([
    { steps: 1, completed: 0, before: NODES.inPieces },
    { steps: 2, completed: 1, before: NODES.first },
    { steps: 3, completed: 3, before: NODES.last },
  ])('stop after $steps of 4, $completed nodes being complete', async ({ steps, completed, before }) => {
    const stream = await startStream(fences);
    const end = await stream.run({ kind: 'node' }, steps);
    expect(end).toMatchObject({ status: 'stopped', nodesCompleted: completed, stoppedBefore: before });
    expect(stream.sent.filter(({ type }) => type === 'nodes')).toHaveLength(steps === 3 ? 1 : 0);
    expect(stream.recorded('node')).toHaveLength(steps);
    expect(stream.recorded('stop')).toEqual([before]);
    expect(stream.backend.memory.liveBytes).toBe(0);
    await stream.send({ type: 'close', slot: 0, acknowledge: false });
    expect(await stream.run({ kind: 'node' })).toMatchObject({ status: 'completed', nodesCompleted: 4 });
  });

  it.each([
    { name: 'in pieces', completed: 0, node: NODES.inPieces },
    { name: 'fused', completed: 1, node: NODES.first },
  ])('count what was complete before "$name" failed', async ({ name, completed, node }) => {
    const stream = await startStream(fences, name);
    const end = await stream.run({ kind: 'node' });
    expect(end).toMatchObject({ status: 'failed', nodesCompleted: completed, error: { node: name } });
    expect(stream.recorded('failure')).toEqual([node]);
    expect(stream.backend.memory.liveBytes).toBe(0);
  });
});
