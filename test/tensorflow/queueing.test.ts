/** How many fences the modes take on a TensorFlow that queues its work, and how much is in flight between them. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { drive, waiterOn } from '../../kernels/stream-worker/driver.js';
import { createKernelBackend } from '../../kernels/tensorflow/backend.js';
import { type CancellationMode, NodeCosts, resolveMode } from '../../scheduler/cancellation.js';
import type { NodeId, ValueId } from '../../scheduler/graph.js';
import type { DeviceTensor, QueueingBackend, ValueTable } from '../../scheduler/kernel.js';
import { runQueued } from '../../scheduler/queued-loop.js';
import type { PreparedStep } from '../../scheduler/segment-execution.js';
import type { Mark, WorkQueue } from '../../scheduler/work-queue.js';
import { ManualClock } from '../support/manual-clock.js';
import { backendOptions } from '../support/one-node.js';

const NODES = 40;
const SPEC = { dtype: 'float32', shape: [2] } as const;

/** The backend's queue, with what was submitted between its fences. */
class CountedQueue implements WorkQueue {
  readonly fences = 'all';
  /** Nodes in flight at each fence. */
  readonly windows: number[] = [];
  readonly #queue: WorkQueue;
  #inFlight = 0;

  constructor(queue: WorkQueue) {
    this.#queue = queue;
  }
  submit(): Mark | Promise<Mark> {
    this.#inFlight++;
    return this.#queue.submit();
  }
  reached(mark: Mark): boolean {
    return this.#queue.reached(mark);
  }
  wait(mark: Mark): boolean | Promise<boolean> {
    this.windows.push(this.#inFlight);
    this.#inFlight = 0;
    return this.#queue.wait(mark);
  }
}

let backend: QueueingBackend;
beforeAll(async () => {
  backend = (await createKernelBackend(backendOptions({ device: { queueing: true } }))) as QueueingBackend;
});
afterAll(() => backend.close());

/** A chain in which each node doubles; value 0 is the input. */
function chain(): PreparedStep[] {
  return Array.from({ length: NODES }, (_, index) => {
    const inputs = [index as ValueId, index as ValueId];
    const { run } = backend.prepare({
      id: index as NodeId,
      name: `node${index}`,
      op: 'Add',
      attributes: {},
      inputNames: ['a', 'b'],
      inputs,
      inputSpecs: [SPEC, SPEC],
      outputs: [(index + 1) as ValueId],
      outputSpecs: [SPEC],
      cost: { operations: 2, bytes: 24 },
    });
    const node = index as NodeId;
    return {
      node,
      name: `node${index}`,
      completes: [node],
      run,
      frees: [index as ValueId],
      exports: undefined,
    };
  });
}

interface Counted {
  readonly windows: readonly number[];
  readonly values: ValueTable;
}

/** Runs the chain with nodes estimated to take `ms` each, which a clock that stands still never corrects. */
function runChain(steps: readonly PreparedStep[], mode: CancellationMode, ms: number): Counted {
  const queue = new CountedQueue(backend.queue);
  const costs = new NodeCosts(NODES);
  costs.ms.fill(ms);
  const values: ValueTable = [backend.upload(SPEC, new Uint8Array(Float32Array.of(1, -3).buffer))];
  const counted = Object.create(backend, {
    queue: { value: queue },
    release: { value: (tensor: DeviceTensor) => backend.release(tensor) },
  }) as QueueingBackend;
  const execution = {
    steps,
    firstStep: 0,
    endStep: NODES,
    values,
    backend: counted,
    control: { words: new Int32Array(1), index: 0 },
    clock: new ManualClock(),
    costs,
    timeline: undefined,
    copyOut: () => {
      throw new Error('nothing is exported');
    },
  };
  let status: string | undefined;
  function* work() {
    status = (yield* runQueued(execution, mode)).status;
  }
  drive(work(), waiterOn(counted));
  expect(status).toBe('completed');
  return { windows: queue.windows, values };
}

describe('a TensorFlow that queues its work', () => {
  let steps: readonly PreparedStep[];
  beforeEach(() => {
    steps = chain();
  });

  function run(cancellation: Parameters<typeof resolveMode>[0], ms: number): readonly number[] {
    const before = backend.memory.liveBytes;
    const { windows, values } = runChain(steps, resolveMode(cancellation, false), ms);
    const result = values[NODES]!;
    const bytes = (backend.read(result) as Uint8Array).slice();
    expect([...new Float32Array(bytes.buffer)]).toEqual([2 ** NODES, -3 * 2 ** NODES]);
    backend.release(result);
    expect(backend.memory.liveBytes).toBe(before);
    return windows;
  }

  it("takes one fence for a segment in mode 'none', behind all nodes", () => {
    expect(run('none', 1)).toEqual([NODES]);
  });

  it("takes a fence for each node in mode 'node'", () => {
    expect(run('node', 1)).toEqual(new Array(NODES).fill(1));
  });

  it.each([
    { precisionMs: 1, ms: 0.0625, nodes: 8 },
    { precisionMs: 2, ms: 0.0625, nodes: 16 },
    { precisionMs: 1, ms: 0.25, nodes: 2 },
    { precisionMs: 1, ms: 3, nodes: 1 },
  ])('has $nodes nodes of $ms ms in flight for a precision of $precisionMs ms', (given) => {
    const { precisionMs, ms, nodes } = given;
    const windows = run({ precisionMs }, ms);
    expect(windows.slice(0, -1)).toEqual(new Array(Math.ceil(NODES / nodes) - 1).fill(nodes));
    expect(windows.reduce((sum, count) => sum + count, 0)).toBe(NODES);
  });

  it('measures nodes it has never seen alone', () => {
    expect(run({ precisionMs: 1 }, Number.POSITIVE_INFINITY)).toEqual(new Array(NODES).fill(1));
  });
});
