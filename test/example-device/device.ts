/** A device for `createEngine({ device: { module, options } })`: float32 kernels in plain JavaScript behind a queue. */
import {
  type BackendMemory,
  type BackendOptions,
  byteLength,
  curfewError,
  type DeviceTensor,
  elementCount,
  type Preparation,
  type ProgramNode,
  type QueueingBackend,
  type TensorSpec,
  type TimedWork,
  type ValueTable,
} from '../../runtime/device.js';
import { kernelOf } from './kernels.js';
import { Queue } from './queue.js';

/** `options` of the device. Plain data: the engine sends them to each stream's thread. */
export interface ExampleOptions {
  /** What waiting for a mark does to the work behind it. Default `'each'`. */
  readonly fences?: 'each' | 'all';
  /** Nodes of this name fail when they execute: for tests. Default: none. */
  readonly failingNode?: string;
}

/** Memory on the "device". Tensors that `Reshape` makes share it. */
interface Block {
  readonly bytes: Uint8Array;
  /** Tensors that are alive in it. */
  users: number;
}

/** The engine sees `dtype` and `shape` and hands the tensor back; the rest is ours. */
export interface ExampleTensor extends DeviceTensor {
  readonly block: Block;
}

const float32 = ({ bytes }: Block): Float32Array =>
  new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / Float32Array.BYTES_PER_ELEMENT);

export class ExampleBackend implements QueueingBackend {
  readonly device = 'example';
  readonly queue: Queue;
  readonly memory: BackendMemory = { liveBytes: 0, peakBytes: 0 };
  readonly #limitBytes: number;
  readonly #failingNode: string | undefined;
  #onWork: ((work: TimedWork) => void) | undefined;

  constructor({ memoryLimitBytes, device }: BackendOptions) {
    const { fences = 'each', failingNode } = (device ?? {}) as ExampleOptions;
    this.queue = new Queue(fences);
    this.#limitBytes = memoryLimitBytes ?? Number.POSITIVE_INFINITY;
    this.#failingNode = failingNode;
  }

  /** Looks at everything about the node once, so that `run` has little left to do. */
  prepare(node: ProgramNode): Preparation {
    if (node.op === 'Reshape') return { run: (values) => this.#reshape(node, values) };
    const compute = kernelOf(node);
    if (compute === undefined) {
      const what = `${node.op} of ${node.inputSpecs.map(({ dtype, shape }) => `${dtype}[${shape}]`)}`;
      throw curfewError(
        'UNSUPPORTED_OP',
        `node "${node.name}": expected an op of this device, received ${what}`,
        {
          node: node.name,
          received: node.op,
        },
      );
    }
    return {
      run: (values) => {
        const inputs = node.inputs.map((value) => float32((values[value] as ExampleTensor).block));
        // Throws before the table changes: a node fills all of its outputs or none.
        const output = this.#allocate(node.outputSpecs[0]!);
        values[node.outputs[0]!] = output;
        this.#enqueue('node', 0, () => {
          if (node.name === this.#failingNode) throw new Error(`node "${node.name}" was told to fail`);
          compute(inputs, float32(output.block));
        });
      },
    };
  }

  /** Another tensor in the same memory. Nothing to execute, but it is a node all the same: `timeWork` tells of it. */
  #reshape(node: ProgramNode, values: ValueTable): void {
    const { block } = values[node.inputs[0]!] as ExampleTensor;
    block.users++;
    const alias: ExampleTensor = { ...node.outputSpecs[0]!, block };
    values[node.outputs[0]!] = alias;
    this.#enqueue('node', 0, () => undefined);
  }

  upload(spec: TensorSpec, bytes: Uint8Array): DeviceTensor {
    const tensor = this.#allocate(spec);
    // The engine uses its buffer again as soon as this returns: the copy is made now, and goes to the device later.
    const staged = bytes.slice();
    this.#enqueue('copy-in', bytes.byteLength, () => tensor.block.bytes.set(staged));
    return tensor;
  }

  /** The engine has waited for the work that makes it. */
  read(tensor: DeviceTensor): Uint8Array {
    const { bytes } = (tensor as ExampleTensor).block;
    const atMs = this.queue.nowMs();
    this.#onWork?.({ kind: 'copy-out', startMs: atMs, endMs: atMs, bytes: bytes.byteLength });
    return bytes;
  }

  /** Counts at once. Work in flight keeps hold of the memory itself, so nothing it needs goes under it. */
  release(tensor: DeviceTensor): void {
    const { block } = tensor as ExampleTensor;
    block.users--;
    if (block.users === 0) this.memory.liveBytes -= block.bytes.byteLength;
  }

  timeWork(onWork: ((work: TimedWork) => void) | undefined): void {
    this.#onWork = onWork;
  }

  close(): void {
    this.queue.close();
    this.memory.liveBytes = 0;
  }

  #enqueue(kind: TimedWork['kind'], bytes: number, execute: () => void): void {
    // Whoever asks for times now is told of this work, whoever asks when it executes.
    const onWork = this.#onWork;
    this.queue.prepare({
      execute,
      onTime: onWork && ((startMs, endMs) => onWork({ kind, startMs, endMs, bytes })),
    });
  }

  #allocate({ dtype, shape }: TensorSpec): ExampleTensor {
    const bytes = byteLength({ dtype, shape });
    const { memory } = this;
    if (memory.liveBytes + bytes > this.#limitBytes) {
      throw curfewError('OUT_OF_MEMORY', `${elementCount(shape)} elements beside ${memory.liveBytes} bytes`, {
        expected: this.#limitBytes,
        received: memory.liveBytes + bytes,
      });
    }
    memory.liveBytes += bytes;
    memory.peakBytes = Math.max(memory.peakBytes, memory.liveBytes);
    return { dtype, shape, block: { bytes: new Uint8Array(bytes), users: 1 } };
  }
}

/** What the engine calls in each stream's thread. */
export const createKernelBackend = (options: BackendOptions): ExampleBackend => new ExampleBackend(options);
