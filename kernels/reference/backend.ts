/** The plain backend: TensorFlow.js's cpu kernels, one after the other. What faster backends are compared with. */
import { curfewError, invariant, quote } from '../../scheduler/errors.js';
import type {
  BackendMemory,
  BackendOptions,
  DeviceTensor,
  ImmediateBackend,
  Preparation,
  ProgramNode,
} from '../../scheduler/kernel.js';
import { byteLength, bytesOf, type Tensor, type TensorSpec, viewData } from '../../scheduler/tensor.js';
import { prepareOnCpu } from './cpu.js';

/** Tensors are plain data here, and none shares memory with another. */
class ReferenceBackend implements ImmediateBackend {
  readonly device = 'reference';
  readonly memory: BackendMemory = { liveBytes: 0, peakBytes: 0 };
  readonly #live = new Set<DeviceTensor>();
  readonly #limitBytes: number;

  constructor(limitBytes: number | undefined) {
    this.#limitBytes = limitBytes ?? Number.POSITIVE_INFINITY;
  }

  prepare(node: ProgramNode): Preparation {
    const kernel = prepareOnCpu(node);
    if (kernel === undefined) {
      throw curfewError(
        'UNSUPPORTED_OP',
        `node "${node.name}": expected an op with a cpu kernel, received ${quote(node.op)}`,
        {
          node: node.name,
          received: node.op,
        },
      );
    }
    return {
      run: (values) => {
        const results = kernel(node.inputs.map((id) => copy(values[id] as Tensor)));
        const outputs = this.#holdAll(results.map(copy));
        node.outputs.forEach((id, index) => {
          values[id] = outputs[index];
        });
      },
    };
  }

  upload({ dtype, shape }: TensorSpec, bytes: Uint8Array): DeviceTensor {
    return this.#hold({ dtype, shape, data: viewData({ dtype, shape }, bytes.slice().buffer) });
  }

  read(tensor: DeviceTensor): Uint8Array {
    return bytesOf((tensor as Tensor).data);
  }

  release(tensor: DeviceTensor): void {
    invariant(this.#live.delete(tensor), 'a freed tensor is released');
    this.memory.liveBytes -= byteLength(tensor);
  }

  close(): void {
    this.#live.clear();
    this.memory.liveBytes = 0;
  }

  #holdAll(tensors: readonly Tensor[]): DeviceTensor[] {
    const held: DeviceTensor[] = [];
    try {
      for (const tensor of tensors) held.push(this.#hold(tensor));
      return held;
    } catch (error) {
      for (const tensor of held) this.release(tensor);
      throw error;
    }
  }

  #hold(tensor: Tensor): DeviceTensor {
    const bytes = byteLength(tensor);
    const live = this.memory.liveBytes + bytes;
    if (live > this.#limitBytes) {
      throw curfewError(
        'OUT_OF_MEMORY',
        `reference: could not allocate ${bytes} bytes with ${this.memory.liveBytes} bytes live`,
        { expected: this.#limitBytes, received: bytes },
      );
    }
    this.memory.liveBytes = live;
    this.memory.peakBytes = Math.max(this.memory.peakBytes, live);
    this.#live.add(tensor);
    return tensor;
  }
}

function copy({ dtype, shape, data }: Tensor): Tensor {
  return { dtype, shape, data: data.slice() };
}

/** Creates the reference backend. One thread; `threads` has no effect on it. */
export function createReferenceBackend({
  memoryLimitBytes,
}: Pick<BackendOptions, 'memoryLimitBytes'>): ImmediateBackend {
  return new ReferenceBackend(memoryLimitBytes);
}

export const createKernelBackend = createReferenceBackend;
