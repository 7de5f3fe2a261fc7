/** A backend under test, used as a stream's thread uses it: one call after the other, each promise awaited. */
import { CurfewError } from '../../scheduler/errors.js';
import type { BackendOptions, DeviceTensor, KernelBackend, ProgramNode } from '../../scheduler/kernel.js';
import { byteLength, bytesOf, formatSpec, type Tensor, viewData } from '../../scheduler/tensor.js';
import type { Mark } from '../../scheduler/work-queue.js';
import { CheckFailure, check, checkSame } from './check-failure.js';
import type { Subject } from './options.js';

/** Tensors reach a device somewhere in a buffer, not at its start. */
const UPLOAD_OFFSET = 8;

/** A node that the backend has prepared. */
export interface BenchNode {
  readonly node: ProgramNode;
  /** Calls it on a value table with these inputs. */
  run(inputs: readonly DeviceTensor[]): DeviceTensor[];
}

/** One answer that may be a promise: a native one, as the stream's thread tells it from a value by its class. */
async function answerOf<Value>(what: string, answer: Value | Promise<Value>): Promise<Value> {
  const isThenable = typeof (answer as { then?: unknown } | undefined)?.then === 'function';
  if (isThenable && !(answer instanceof Promise))
    throw new CheckFailure(what, 'a value or a Promise', 'another object with a then()');
  return answer;
}

export class Bench {
  readonly backend: KernelBackend;
  readonly #alive = new Set<DeviceTensor>();
  readonly #startBytes: number;
  #peakBytes = 0;

  private constructor(backend: KernelBackend) {
    this.backend = backend;
    this.#startBytes = this.liveBytes;
  }

  static async open({ createBackend, options }: Subject, memoryLimitBytes?: number): Promise<Bench> {
    const given: BackendOptions = { stream: 0, threads: 1, memoryLimitBytes, device: options.device };
    return new Bench(await createBackend(given));
  }

  /** Bytes alive now; the statistics must make sense whenever they are looked at. */
  get liveBytes(): number {
    const { liveBytes, peakBytes } = this.backend.memory;
    check(Number.isFinite(liveBytes) && liveBytes >= 0, 'memory.liveBytes', '0 or more', liveBytes);
    check(peakBytes >= liveBytes, 'memory.peakBytes', `liveBytes, ${liveBytes}, or more`, peakBytes);
    check(peakBytes >= this.#peakBytes, 'memory.peakBytes', `never less than ${this.#peakBytes}`, peakBytes);
    this.#peakBytes = peakBytes;
    return liveBytes;
  }

  /** Bytes alive beyond those at the start. */
  get usedBytes(): number {
    return this.liveBytes - this.#startBytes;
  }

  /** The prepared node; `undefined` where the device does not have it. */
  prepare(node: ProgramNode): BenchNode | undefined {
    try {
      const { run } = this.backend.prepare(node);
      return { node, run: (inputs) => this.#run(node, run, inputs) };
    } catch (error) {
      if (error instanceof CurfewError && error.code === 'UNSUPPORTED_OP') return undefined;
      throw error;
    }
  }

  #run(
    node: ProgramNode,
    run: (values: (DeviceTensor | undefined)[]) => void,
    inputs: readonly DeviceTensor[],
  ) {
    const values: (DeviceTensor | undefined)[] = [...inputs, ...node.outputs.map(() => undefined)];
    let returned: unknown;
    try {
      returned = run(values);
    } catch (error) {
      const left = node.outputs.filter((value) => values[value] !== undefined).length;
      checkSame(`${node.name} has thrown: outputs left in the table`, left, 0);
      throw error;
    }
    // What it rejects with would be an error nobody handles.
    if (returned instanceof Promise) returned.catch(() => undefined);
    checkSame(`${node.name}: what the prepared node returns`, returned, undefined);
    inputs.forEach((input, index) => {
      check(
        values[index] === input,
        `${node.name}: input ${index} of the table`,
        'left as it was',
        'replaced',
      );
    });
    return node.outputs.map((value, index) => {
      const output = values[value];
      const spec = node.outputSpecs[index]!;
      const received = output === undefined ? 'nothing' : formatSpec(output);
      checkSame(`${node.name}: output ${index}`, received, formatSpec(spec));
      return this.#keep(output!);
    });
  }

  #keep(tensor: DeviceTensor): DeviceTensor {
    check(!this.#alive.has(tensor), 'a new tensor', 'an object of its own', 'one that is alive already');
    this.#alive.add(tensor);
    void this.liveBytes;
    return tensor;
  }

  /** Uploads from shared memory that is used for something else right afterwards. */
  upload(tensor: Tensor): DeviceTensor {
    const { dtype, shape } = tensor;
    const bytes = new Uint8Array(
      new SharedArrayBuffer(byteLength(tensor) + UPLOAD_OFFSET),
      UPLOAD_OFFSET,
      byteLength(tensor),
    );
    bytes.set(bytesOf(tensor.data));
    const uploaded = this.backend.upload({ dtype, shape }, bytes);
    bytes.fill(0xff);
    checkSame('what upload() returns', formatSpec(uploaded), formatSpec(tensor));
    return this.#keep(uploaded);
  }

  release(...tensors: readonly DeviceTensor[]): void {
    for (const tensor of tensors) {
      this.#alive.delete(tensor);
      this.backend.release(tensor);
      void this.liveBytes;
    }
  }

  /** Submits; gives the mark, or `undefined` where nothing queues. */
  async submit(mayDefer = false): Promise<Mark | undefined> {
    const { queue } = this.backend;
    if (queue === undefined) return undefined;
    const mark = await answerOf('what submit() returns', queue.submit(mayDefer));
    check(Number.isFinite(mark), 'a mark', 'a finite number', mark);
    return mark;
  }

  /** Waits; says whether that took waiting. */
  async wait(mark: Mark | undefined): Promise<boolean> {
    const { queue } = this.backend;
    if (queue === undefined || mark === undefined) return false;
    const waited = await answerOf('what wait() returns', queue.wait(mark));
    checkSame('the type of what wait() returns', typeof waited, 'boolean');
    return waited;
  }

  /** Waits as a stream's thread does: not at all for a mark that is reached. */
  async pass(mark: Mark | undefined): Promise<void> {
    if (mark === undefined || this.backend.queue?.reached(mark)) return;
    await this.wait(mark);
  }

  /** Submits, and waits until everything is over. */
  async drain(): Promise<void> {
    await this.wait(await this.submit());
  }

  /** A copy of the tensor. The work that makes it is over. */
  async read(tensor: DeviceTensor): Promise<Tensor> {
    const { dtype, shape } = tensor;
    const answer = this.backend.read(tensor);
    if (this.backend.queue === undefined)
      check(!(answer instanceof Promise), 'what read() returns without a queue', 'bytes', 'a promise');
    const bytes = await answerOf('what read() returns', answer);
    check(bytes instanceof Uint8Array, 'what read() returns', 'a Uint8Array', bytes);
    checkSame(`bytes of ${formatSpec(tensor)}`, bytes.byteLength, byteLength(tensor));
    return { dtype, shape, data: viewData({ dtype, shape }, bytes.slice().buffer) };
  }

  /** Gives everything back, and ends the backend. */
  async close(): Promise<void> {
    this.release(...this.#alive);
    await this.drain();
    checkSame('bytes alive once everything is released', this.usedBytes, 0);
    this.backend.close();
  }
}

/** Runs a check on a fresh backend, and sees to it that nothing is left. */
export async function onBench<Result>(
  subject: Subject,
  work: (bench: Bench) => Promise<Result>,
  memoryLimitBytes?: number,
): Promise<Result> {
  const bench = await Bench.open(subject, memoryLimitBytes);
  const result = await work(bench);
  await bench.close();
  return result;
}
