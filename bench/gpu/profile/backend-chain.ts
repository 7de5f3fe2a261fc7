/** A chain of one kind of node on a backend in this thread: what a stream does, without the engine around it. */
import type { DeviceTensor, PreparedNode, QueueingBackend, TimedWork } from '../../../scheduler/kernel.js';
import { bytesOf, type Tensor } from '../../../scheduler/tensor.js';
import type { Mark } from '../../../scheduler/work-queue.js';
import { programNode } from '../../../test/support/one-node.js';

/** Each node takes the one before it as `a`, and always the same `b`; all three tensors are of one shape. */
export class BackendChain {
  readonly #backend: QueueingBackend;
  readonly #run: PreparedNode;
  readonly #b: DeviceTensor;
  #a: DeviceTensor;

  constructor(backend: QueueingBackend, op: 'Add' | 'BatchMatMul', operand: Tensor) {
    const { dtype, shape, data } = operand;
    const spec = { dtype, shape };
    this.#backend = backend;
    this.#run = backend.prepare(programNode({ op, inputs: { a: spec, b: spec }, outputs: [spec] })).run;
    this.#a = backend.upload(spec, bytesOf(data));
    this.#b = backend.upload(spec, bytesOf(data));
  }

  /** Hands over so many nodes. Returns the mark behind the last, and how many submissions that took. */
  async submit(nodes: number, mayDefer: boolean): Promise<{ mark: Mark; submissions: number }> {
    const { queue } = this.#backend;
    let first: Mark | undefined;
    let mark = 0 as Mark;
    for (let node = 0; node < nodes; node++) {
      this.#encode();
      const submitted = queue.submit(mayDefer && node + 1 < nodes);
      // Awaiting what is no promise would cost a turn of its own.
      mark = typeof submitted === 'number' ? submitted : await submitted;
      first ??= mark;
    }
    return { mark, submissions: mark - first! + 1 };
  }

  #encode(): void {
    const values = [this.#a, this.#b, undefined as DeviceTensor | undefined];
    this.#run(values);
    this.#backend.release(this.#a);
    this.#a = values[2]!;
  }

  /** Milliseconds on the device of each of so many nodes, as the device tells. */
  async nodeTimesMs(nodes: number): Promise<number[]> {
    const { times } = await this.timed(nodes);
    return times;
  }

  /** The same, with the milliseconds from handing the first one over until the last one was waited for. */
  async timed(nodes: number): Promise<{ times: number[]; totalMs: number }> {
    const { queue } = this.#backend;
    const times: number[] = [];
    const note = ({ kind, startMs, endMs }: TimedWork) => {
      if (kind === 'node') times.push(endMs - startMs);
    };
    if (this.#backend.timeWork === undefined) throw new Error('the device does not tell when its work ran');
    this.#backend.timeWork(note);
    const startMs = performance.now();
    const { mark } = await this.submit(nodes, true);
    await queue.wait(mark);
    const totalMs = performance.now() - startMs;
    this.#backend.timeWork(undefined);
    return { times, totalMs };
  }

  release(): void {
    this.#backend.release(this.#a);
    this.#backend.release(this.#b);
  }
}
