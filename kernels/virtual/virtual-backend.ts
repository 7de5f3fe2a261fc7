/** Kernels and memory of a simulated stream. A call only prepares work; the queue submits it and lets time pass. */
import { type CurfewError, curfewError, invariant } from '../../scheduler/errors.js';
import type {
  BackendMemory,
  DeviceTensor,
  Preparation,
  ProgramNode,
  QueueingBackend,
  TimedWork,
  ValueTable,
} from '../../scheduler/kernel.js';
import {
  allocateData,
  byteLength,
  bytesOf,
  elementCount,
  type Tensor,
  type TensorData,
  type TensorSpec,
  viewData,
} from '../../scheduler/tensor.js';
import { prepareOnCpu } from '../reference/cpu.js';
import type { QueuedWork } from './device-queue.js';
import type { NodeFaults } from './faults.js';
import type { Simulation } from './options.js';
import type { Random } from './random.js';
import type { VirtualClock } from './virtual-clock.js';
import type { VirtualQueue } from './virtual-queue.js';

/** Name of work that copies to the device. */
export const COPY_IN = 'copy in';

/** A tensor of the simulated device. `data` appears when the work that makes it has ended. */
interface VirtualTensor extends DeviceTensor {
  data: TensorData | undefined;
  madeBy: QueuedWork | undefined;
  /** Its kernel failed, or one before it did: what was queued behind still runs, on garbage. */
  spoilt: boolean;
  released: boolean;
}

/** What a simulated stream's kernels are made with. */
export interface VirtualBackendOptions {
  readonly simulation: Simulation;
  readonly faults: NodeFaults;
  readonly random: Random;
  readonly clock: VirtualClock;
  readonly queue: VirtualQueue;
  readonly limitBytes: number | undefined;
}

export class VirtualBackend implements QueueingBackend {
  readonly device = 'virtual';
  readonly queue: VirtualQueue;
  readonly memory: BackendMemory = { liveBytes: 0, peakBytes: 0 };
  readonly #simulation: Simulation;
  readonly #faults: NodeFaults;
  readonly #random: Random;
  readonly #clock: VirtualClock;
  readonly #limitBytes: number;
  #onWork: ((work: TimedWork) => void) | undefined;

  constructor({ simulation, faults, random, clock, queue, limitBytes }: VirtualBackendOptions) {
    this.#simulation = simulation;
    this.#faults = faults;
    this.#random = random;
    this.#clock = clock;
    this.queue = queue;
    this.#limitBytes = limitBytes ?? Number.POSITIVE_INFINITY;
  }

  prepare(node: ProgramNode): Preparation {
    const compute = this.#simulation.compute ? prepareOnCpu(node) : undefined;
    if (this.#simulation.compute && compute === undefined) {
      throw curfewError(
        'UNSUPPORTED_OP',
        `node "${node.name}": no reference kernel to compute op ${node.op} with`,
        {
          node: node.name,
          received: node.op,
        },
      );
    }
    return { run: (values) => this.#prepareKernel(node, values, compute) };
  }

  #expectedMs(node: ProgramNode): number {
    const { profile } = this.#simulation;
    const given = this.#simulation.kernelMs({ name: node.name, op: node.op, cost: node.cost });
    if (given !== undefined) return given;
    const { operations, bytes } = node.cost;
    const peakMs = Math.max(operations / profile.operationsPerMs, bytes / profile.bytesPerMs);
    return Math.max(profile.minKernelMs, peakMs / profile.efficiency);
  }

  #prepareKernel(
    node: ProgramNode,
    values: ValueTable,
    compute: ((inputs: readonly Tensor[]) => readonly Tensor[]) | undefined,
  ): void {
    if (this.#faults.take('submit-error', node.name) !== undefined) {
      throw curfewError('OUT_OF_MEMORY', `node "${node.name}": simulated lack of memory`, {
        node: node.name,
      });
    }
    const inputs = node.inputs.map((value) => values[value] as VirtualTensor);
    for (const input of inputs)
      invariant(!input.released, `node ${node.name} uses a tensor after its release`);
    const outputs = this.#allocate(node.outputSpecs);
    for (const [index, value] of node.outputs.entries()) values[value] = outputs[index];
    const slow = this.#faults.take('slow-kernel', node.name)?.factor ?? 1;
    const jitter = 1 + this.#simulation.jitter * (2 * this.#random() - 1);
    const durationMs = this.#expectedMs(node) * slow * jitter;
    this.#prepare({ kind: 'node', bytes: 0 }, node.name, durationMs, outputs, () =>
      this.#execute(node, inputs, outputs, compute),
    );
  }

  #execute(
    node: ProgramNode,
    inputs: readonly VirtualTensor[],
    outputs: readonly VirtualTensor[],
    compute: ((inputs: readonly Tensor[]) => readonly Tensor[]) | undefined,
  ): CurfewError | undefined {
    const fails = this.#faults.take('kernel-error', node.name) !== undefined;
    if (fails || inputs.some(({ spoilt }) => spoilt)) for (const output of outputs) output.spoilt = true;
    if (fails) {
      return curfewError('KERNEL_FAILED', `node "${node.name}": simulated kernel error`, { node: node.name });
    }
    if (outputs[0]?.spoilt) return undefined;
    const tensors = inputs.map(({ dtype, shape, data }) => {
      invariant(data !== undefined, `node ${node.name} starts after its inputs are made`);
      return { dtype, shape, data };
    });
    const results = compute?.(tensors);
    for (const [index, output] of outputs.entries()) {
      output.data =
        results === undefined ? allocateData(output.dtype, elementCount(output.shape)) : results[index]!.data;
    }
    return undefined;
  }

  upload(spec: TensorSpec, bytes: Uint8Array): DeviceTensor {
    const [tensor] = this.#allocate([spec]);
    const staged = viewData(spec, bytes.slice().buffer);
    const { copyLatencyMs, copyBytesPerMs } = this.#simulation.profile;
    const durationMs = copyLatencyMs + bytes.byteLength / copyBytesPerMs;
    this.#prepare({ kind: 'copy-in', bytes: bytes.byteLength }, COPY_IN, durationMs, [tensor!], () => {
      tensor!.data = staged;
      return undefined;
    });
    return tensor!;
  }

  timeWork(onWork: ((work: TimedWork) => void) | undefined): void {
    this.#onWork = onWork;
  }

  #prepare(
    timed: Pick<TimedWork, 'kind' | 'bytes'>,
    name: string,
    durationMs: number,
    outputs: readonly VirtualTensor[],
    execute: () => CurfewError | undefined,
  ): void {
    const onWork = this.#onWork;
    const onTime = onWork && ((startMs: number, endMs: number) => onWork({ ...timed, startMs, endMs }));
    const work: QueuedWork = { name, durationMs, place: 0, execute, onTime };
    for (const output of outputs) output.madeBy = work;
    this.queue.prepare(work);
  }

  async read(tensor: DeviceTensor): Promise<Uint8Array> {
    const { data, madeBy, released } = tensor as VirtualTensor;
    invariant(!released, 'a tensor is read before its release');
    invariant(
      data !== undefined && madeBy !== undefined && this.queue.isPassed(madeBy),
      'a tensor is read after a wait that covers it',
    );
    const startMs = this.#clock.nowMs();
    const bytes = data.byteLength;
    await this.queue.copyOut(bytes);
    this.#onWork?.({ kind: 'copy-out', startMs, endMs: this.#clock.nowMs(), bytes });
    return bytesOf(data);
  }

  release(tensor: DeviceTensor): void {
    const own = tensor as VirtualTensor;
    invariant(!own.released, 'a tensor is released once');
    own.released = true;
    this.memory.liveBytes -= byteLength(tensor);
  }

  close(): void {
    this.memory.liveBytes = 0;
  }

  #allocate(specs: readonly TensorSpec[]): VirtualTensor[] {
    const bytes = specs.reduce((sum, spec) => sum + byteLength(spec), 0);
    if (this.memory.liveBytes + bytes > this.#limitBytes) {
      throw curfewError(
        'OUT_OF_MEMORY',
        `virtual: could not allocate ${bytes} bytes with ${this.memory.liveBytes} bytes live`,
        {
          expected: `${this.#limitBytes} bytes at most`,
          received: this.memory.liveBytes + bytes,
        },
      );
    }
    this.memory.liveBytes += bytes;
    this.memory.peakBytes = Math.max(this.memory.peakBytes, this.memory.liveBytes);
    return specs.map(({ dtype, shape }) => ({
      dtype,
      shape,
      data: undefined,
      madeBy: undefined,
      spoilt: false,
      released: false,
    }));
  }
}
