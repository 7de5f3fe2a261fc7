/** The default device: TensorFlow.js's WebAssembly kernels, called without its engine. */
import type { KernelConfig } from '@tensorflow/tfjs-core';
import { curfewError, invariant, quote } from '../../scheduler/errors.js';
import type {
  BackendMemory,
  BackendOptions,
  DeviceTensor,
  ImmediateBackend,
  Preparation,
  PreparedNode,
  ProgramNode,
} from '../../scheduler/kernel.js';
import type { TensorSpec } from '../../scheduler/tensor.js';
import { withCheckedValues } from './checked-node.js';
import { prepareCpuNode } from './cpu-node.js';
import { prepareDirectNode, type ShapeScratch } from './direct-node.js';
import { prepareEmptyNode } from './empty-node.js';
import { composeFusedMatMul, isFusedMatMulCorrect } from './fused-matmul.js';
import { Heap, type HeapTensor } from './heap.js';
import { loadModule, type WasmModule } from './module.js';
import { prepareOwnNode } from './own-node.js';
import { withFreshPacking } from './packing.js';
import { StockBackend } from './stock-backend.js';
import { evaluateStockKernels } from './stock-kernels.js';
import { prepareStockNode } from './stock-node.js';
import { isCorrectOnWasm } from './support.js';
import { withExplicitPadding } from './windows.js';

/** Everything that keeps the WebAssembly memory reachable. */
interface Instance {
  readonly module: WasmModule;
  readonly heap: Heap;
  readonly kernels: ReadonlyMap<string, KernelConfig>;
  readonly stockBackend: StockBackend;
  readonly scratch: ShapeScratch;
}

async function createInstance(limitBytes: number | undefined): Promise<Instance> {
  const loading = loadModule();
  // WebAssembly compiles in the background meanwhile.
  const kernels = evaluateStockKernels();
  const module = await loading;
  const heap = new Heap(module, limitBytes);
  const stockBackend = new StockBackend(heap, module);
  for (const { setupFunc } of kernels.values()) setupFunc?.(stockBackend);
  return { module, heap, kernels, stockBackend, scratch: { a: heap.reserveShape(), b: heap.reserveShape() } };
}

class WasmBackend implements ImmediateBackend {
  readonly device = 'wasm';
  readonly memory: Readonly<BackendMemory>;
  #instance: Instance | undefined;

  constructor(instance: Instance) {
    this.#instance = instance;
    this.memory = instance.heap.memory;
  }

  prepare(node: ProgramNode): Preparation {
    const { heap } = this.#open;
    const own = this.#prepareOnWasm(node);
    if (own !== undefined) return { run: withCheckedValues(node, heap, own) };
    const run = prepareCpuNode(node, heap);
    if (run !== undefined) return { run, fallback: 'cpu' };
    throw curfewError(
      'UNSUPPORTED_OP',
      `node "${node.name}": expected an op with a wasm or cpu kernel, received ${quote(node.op)}`,
      {
        node: node.name,
        received: node.op,
      },
    );
  }

  #prepareOnWasm(node: ProgramNode): PreparedNode | undefined {
    const { module, heap, kernels, stockBackend, scratch } = this.#open;
    const config = kernels.get(node.op);
    if (config === undefined) return undefined;
    const withoutKernel = prepareEmptyNode(node, heap) ?? prepareOwnNode(node, heap);
    if (withoutKernel !== undefined || !isCorrectOnWasm(node)) return withoutKernel;
    const direct = prepareDirectNode(node, heap, module, scratch);
    if (direct !== undefined) return direct;
    const isComposed = node.op === '_FusedMatMul' && !isFusedMatMulCorrect(node);
    const kernel = isComposed ? composeFusedMatMul(kernels) : config.kernelFunc;
    return withFreshPacking(
      node,
      heap,
      prepareStockNode(kernel, withExplicitPadding(node), stockBackend, heap, module),
    );
  }

  upload(spec: TensorSpec, bytes: Uint8Array): DeviceTensor {
    return this.#open.heap.upload(spec, bytes);
  }

  read(tensor: DeviceTensor): Uint8Array {
    return this.#open.heap.bytes((tensor as HeapTensor).dataId);
  }

  release(tensor: DeviceTensor): void {
    this.#open.heap.release((tensor as HeapTensor).dataId);
  }

  /** WebAssembly memory never shrinks; it goes once the caller has dropped its prepared nodes, too. */
  close(): void {
    this.#instance = undefined;
  }

  get #open(): Instance {
    invariant(this.#instance !== undefined, 'a closed wasm backend is used');
    return this.#instance;
  }
}

/**
 * Creates a backend with a heap of its own.
 *
 * @throws UNSUPPORTED_OPTION for more than one thread
 */
export async function createKernelBackend({
  threads,
  memoryLimitBytes,
}: BackendOptions): Promise<ImmediateBackend> {
  if (threads > 1) {
    throw curfewError(
      'UNSUPPORTED_OPTION',
      `threads: expected 1, as the wasm device has no more, received ${threads}`,
      {
        expected: 1,
        received: threads,
      },
    );
  }
  return new WasmBackend(await createInstance(memoryLimitBytes));
}
