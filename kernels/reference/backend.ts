/** The plain backend: TensorFlow.js's cpu kernels, one after the other. What faster backends are compared with. */
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { curfewError, invariant } from '../../scheduler/errors.js';
import type {
  BackendMemory,
  CreateKernelBackend,
  DeviceTensor,
  KernelBackend,
  Preparation,
  ProgramNode,
  ValueTable,
} from '../../scheduler/kernel.js';
import { byteLength, bytesOf, type TensorSpec, viewData } from '../../scheduler/tensor.js';
import {
  callKernel,
  cpuKernel,
  createCpuBackend,
  fromCpu,
  kernelAttributes,
  kernelInputs,
  toCpu,
} from './cpu.js';

/** A tensor here is what the kernels make of it; tensors that share data share the `dataId`. */
type CpuTensor = DeviceTensor & TensorInfo;

class ReferenceBackend implements KernelBackend {
  readonly device = 'reference';
  readonly queueing = false;
  readonly memory: BackendMemory = { liveBytes: 0, peakBytes: 0 };
  readonly #cpu = createCpuBackend();
  readonly #limitBytes: number;
  /** Tensors that share each piece of data. */
  readonly #holders = new Map<object, number>();

  constructor(limitBytes: number | undefined) {
    this.#limitBytes = limitBytes ?? Number.POSITIVE_INFINITY;
  }

  prepare(node: ProgramNode): Preparation {
    const kernel = cpuKernel(node.op);
    if (kernel === undefined) {
      throw curfewError('UNSUPPORTED_OP', `node "${node.name}": no cpu kernel for op ${node.op}`, {
        node: node.name,
        received: node.op,
      });
    }
    return {
      run: (values) => {
        const inputs = kernelInputs(
          node,
          node.inputs.map((id) => values[id] as CpuTensor),
        );
        const outputs = callKernel(kernel, this.#cpu, inputs, kernelAttributes(node));
        invariant(outputs.length >= node.outputs.length, `${node.op} gave ${outputs.length} outputs`);
        this.#fill(values, node, outputs as CpuTensor[]);
      },
    };
  }

  upload(spec: TensorSpec, bytes: Uint8Array): DeviceTensor {
    const data = viewData(spec, bytes.slice().buffer);
    return this.#hold(toCpu(this.#cpu, spec, data) as CpuTensor);
  }

  read(tensor: DeviceTensor): Uint8Array {
    return bytesOf(fromCpu(this.#cpu, tensor as CpuTensor));
  }

  release(tensor: DeviceTensor): void {
    const { dataId } = tensor as CpuTensor;
    const holders = this.#holders.get(dataId);
    invariant(holders !== undefined, 'a freed tensor is released');
    if (holders > 1) {
      this.#holders.set(dataId, holders - 1);
      return;
    }
    this.#holders.delete(dataId);
    this.#cpu.disposeData(dataId, true);
    this.memory.liveBytes -= byteLength(tensor);
  }

  close(): void {
    for (const dataId of this.#holders.keys()) this.#cpu.disposeData(dataId, true);
    this.#holders.clear();
    this.memory.liveBytes = 0;
  }

  #fill(values: ValueTable, node: ProgramNode, outputs: CpuTensor[]): void {
    const held: CpuTensor[] = [];
    try {
      for (const index of node.outputs.keys()) held.push(this.#hold(outputs[index]!));
    } catch (error) {
      for (const tensor of held) this.release(tensor);
      throw error;
    }
    node.outputs.forEach((id, index) => {
      values[id] = held[index];
    });
  }

  /** Counts a tensor in. Data that nobody holds is left to the garbage collector. */
  #hold(tensor: CpuTensor): CpuTensor {
    const { dataId, dtype, shape } = tensor;
    const holders = this.#holders.get(dataId) ?? 0;
    if (holders === 0) {
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
    }
    this.#holders.set(dataId, holders + 1);
    return { dataId, dtype, shape };
  }
}

/** Creates the reference backend. One thread; `threads` has no effect on it. */
export const createKernelBackend: CreateKernelBackend = (options) =>
  new ReferenceBackend(options.memoryLimitBytes);
