/** Finds out what a kernel of TensorFlow.js asks of the GPU: calls it with tensors that are no more than their shapes. */
import { inspect } from 'node:util';
import type { KernelFunc, NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs-core';
import { CurfewError } from '../../scheduler/errors.js';
import type { ProgramNode } from '../../scheduler/kernel.js';
import { messageOf } from '../../scheduler/quote.js';
import {
  byteLength,
  type DType,
  elementCount,
  isDType,
  type TensorData,
  type TensorSpec,
} from '../../scheduler/tensor.js';
import { kernelAttributes } from '../ops/kernel-attributes.js';
import { checkProduced } from '../ops/produced.js';
import type { AdapterInfo } from './dawn.js';
import type { Gpu } from './gpu.js';
import type { Place, Recipe, RecipeBinding, RecipeStep } from './recipe.js';
import type { StockKernels } from './stock-kernels.js';
import { gpuBytes } from './tensor.js';

/** What the kernels find under a `dataId`, which is this object itself. */
class RecordedData {
  readonly place: Place;
  readonly dtype: DType;
  readonly shape: readonly number[];
  /** Elements that the kernel has on the thread. */
  values: TensorData | undefined;
  /** Where `values` have been copied. */
  resource: GPUBuffer | undefined;
  refCount = 1;

  constructor(place: Place, dtype: DType, shape: readonly number[], values: TensorData | undefined) {
    this.place = place;
    this.dtype = dtype;
    this.shape = shape;
    this.values = values;
  }
}

/** A binding as the backend's code hands it on. */
type StockBinding = { readonly place: Place } | GPUBufferBinding;

interface StockBindGroup {
  readonly layout: GPUBindGroupLayout;
  readonly entries: readonly { readonly resource: StockBinding }[];
}

/** A kernel that cannot be recorded, for what it does or for this device; the node runs on another's. */
export class NotRecordable extends Error {}

/** Nodes whose shaders are kept for equal ones. */
const KEPT_PIPELINES = 4096;

/** Intel's generations from 12 on take more workgroups. */
const INTEL_XE = 12;

function intelGeneration({ vendor, architecture }: AdapterInfo): number {
  if (vendor !== 'intel') return 0;
  return architecture.startsWith('xe') ? INTEL_XE : Number(/^gen-?(\d+)/.exec(architecture)?.[1] ?? 0);
}

export class Recorder {
  readonly #gpu: Gpu;
  readonly #kernels: StockKernels['kernels'];
  /** A backend of the package's that writes down what it would do. */
  readonly #backend: { pipelineCache: object };
  readonly #pipelines = new Map<string, object>();
  #steps: RecipeStep[] = [];
  #data: RecordedData[] = [];
  #fixed: GPUBuffer[] = [];

  constructor(gpu: Gpu, { kernels, Backend }: StockKernels) {
    this.#gpu = gpu;
    this.#kernels = kernels;
    this.#backend = this.#createBackend(Backend.prototype);
  }

  /** The kernel of an op, if there is one. */
  kernel(op: string): KernelFunc | undefined {
    return this.#kernels.get(op);
  }

  /** @throws NotRecordable; OUT_OF_MEMORY */
  record(kernel: KernelFunc, node: ProgramNode): Recipe {
    this.#steps = [];
    this.#data = [];
    this.#fixed = [];
    try {
      return this.#recipeOf(kernel, node);
    } catch (error) {
      for (const buffer of this.#fixed) buffer.destroy();
      throw error;
    }
  }

  #recipeOf(kernel: KernelFunc, node: ProgramNode): Recipe {
    this.#backend.pipelineCache = this.#pipelinesOf(node);
    const inputs = node.inputSpecs.map(({ dtype, shape }) => this.#info(shape, dtype));
    const produced = this.#call(kernel, node, inputs);
    const outputs = produced.map((info) => placeOf(info));
    const isUsed = this.#usedPlaces(outputs);
    const made = this.#data.slice(inputs.length);
    const madeBytes = made.map((data) => (isUsed.has(data.place) ? gpuBytes(data) : 0));
    const limit = this.#gpu.device.limits.maxStorageBufferBindingSize;
    if (madeBytes.some((bytes) => bytes > limit))
      throw new NotRecordable(`the kernel makes a tensor of more than ${limit} bytes`);
    return { steps: this.#steps, madeBytes, fixed: this.#fixed, outputs };
  }

  /** Calls the kernel. What it throws is its own affair, unless memory is lacking. */
  #call(kernel: KernelFunc, node: ProgramNode, inputs: readonly TensorInfo[]): readonly TensorInfo[] {
    try {
      const result = kernel({
        inputs: namedInputs(node, inputs),
        attrs: kernelAttributes(node),
        backend: this.#backend,
      }) as TensorInfo | TensorInfo[];
      const produced = (Array.isArray(result) ? result : [result]).slice(0, node.outputSpecs.length);
      checkProduced(node, produced as readonly (TensorInfo & TensorSpec)[], byteLength);
      return produced;
    } catch (error) {
      if (error instanceof CurfewError && error.code === 'OUT_OF_MEMORY') throw error;
      throw new NotRecordable(messageOf(error), { cause: error });
    }
  }

  /** Keys of shaders do not tell lengths apart that some have in their code, so only equal nodes share them. */
  #pipelinesOf({ op, attributes, inputSpecs, outputSpecs }: ProgramNode): object {
    const key = inspect([op, attributes, inputSpecs, outputSpecs], { depth: 5, maxArrayLength: null });
    const pipelines = this.#pipelines.get(key) ?? {};
    // The last ones asked for stay.
    this.#pipelines.delete(key);
    this.#pipelines.set(key, pipelines);
    const [oldest] = this.#pipelines.keys();
    if (this.#pipelines.size > KEPT_PIPELINES) this.#pipelines.delete(oldest!);
    return pipelines;
  }

  #usedPlaces(outputs: readonly (Place | undefined)[]): ReadonlySet<Place | undefined> {
    const bound = this.#steps.flatMap(({ bindings }) => bindings);
    return new Set([
      ...bound.map((binding) => (binding.kind === 'place' ? binding.place : undefined)),
      ...outputs,
    ]);
  }

  #info(shape: readonly number[], dtype: string, values?: TensorData | readonly number[]): TensorInfo {
    if (!isDType(dtype)) throw new NotRecordable(`a ${dtype} tensor`);
    const kept = values == null || elementCount(shape) === 0 ? undefined : (values as TensorData);
    const data = new RecordedData(this.#data.length, dtype, shape, kept);
    this.#data.push(data);
    return { dataId: data, shape: [...shape], dtype };
  }

  #createBackend(prototype: object): { pipelineCache: object } {
    const { dawn, device } = this.#gpu;
    const generation = intelGeneration(dawn.info);
    const backend = Object.create(prototype) as object;
    return Object.assign(backend, {
      ...{
        commandQueueOwnedIds: new WeakSet(),
        dispatchCountInPass: 0,
        pipelineCache: {},
        queue: device.queue,
      },
      ...{ commandEncoder: null, computePassEncoder: null, uniformPendingDisposal: [] },
      adapterInfo: { isIntel: () => generation > 0, intelGPUGeneration: generation },
      thresholdToIncreaseWorkgroups: generation >= INTEL_XE ? 16 : 8,
      device: this.#recordingDevice(),
      bufferManager: {
        acquireBuffer: (size: number, usage: number) => this.#makeFixed(size, usage),
      },
      tensorMap: { get: (data: RecordedData) => data, has: (data: RecordedData) => data.refCount > 0 },
      makeTensorInfo: (shape: number[], dtype: string, values?: TensorData) =>
        this.#info(shape, dtype, values),
      uploadToGPU: (data: RecordedData) => this.#uploadFixed(data),
      tensorToBinding: ({ dataId }: TensorInfo): StockBinding => bindingOf(dataId as RecordedData),
      incRef: (data: RecordedData) => {
        data.refCount++;
      },
      disposeData: (data: RecordedData) => --data.refCount <= 0,
      shouldExecuteOnCPU: () => false,
      readSync: refuseToRead,
      bufferSync: refuseToRead,
    });
  }

  /** Makes shaders for real, and writes down how they are to be dispatched. */
  #recordingDevice(): object {
    const { device } = this.#gpu;
    return {
      limits: device.limits,
      features: device.features,
      createShaderModule: (descriptor: GPUShaderModuleDescriptor) => device.createShaderModule(descriptor),
      createComputePipeline: (descriptor: GPUComputePipelineDescriptor) =>
        device.createComputePipeline(descriptor),
      createBindGroup: (descriptor: StockBindGroup) => descriptor,
      createCommandEncoder: () => ({ beginComputePass: () => this.#recordingPass() }),
    };
  }

  #recordingPass(): object {
    let pipeline: GPUComputePipeline;
    let group: StockBindGroup;
    return {
      setPipeline: (given: GPUComputePipeline) => {
        pipeline = given;
      },
      setBindGroup: (_index: number, given: StockBindGroup) => {
        group = given;
      },
      dispatchWorkgroups: (x: number, y = 1, z = 1) => {
        const bindings = group.entries.map(({ resource }): RecipeBinding => {
          if ('place' in resource) return { kind: 'place', place: resource.place };
          return { kind: 'fixed', resource };
        });
        this.#steps.push({ pipeline, layout: group.layout, bindings, workgroups: [x, y, z] });
      },
    };
  }

  /** Elements that the kernel has made on the thread are the same each time. */
  #uploadFixed(data: RecordedData): void {
    if (data.values === undefined || data.resource !== undefined) return;
    const bytes = new Uint8Array(
      (data.dtype === 'float32' ? Float32Array.from(data.values) : Int32Array.from(data.values)).buffer,
    );
    const { STORAGE, COPY_DST } = this.#gpu.dawn.globals.GPUBufferUsage;
    data.resource = this.#makeFixed(bytes.byteLength, STORAGE | COPY_DST);
    this.#gpu.device.queue.writeBuffer(data.resource, 0, bytes);
  }

  #makeFixed(bytes: number, usage: number): GPUBuffer {
    const buffer = this.#gpu.makeBuffer(bytes, usage);
    this.#fixed.push(buffer);
    return buffer;
  }
}

function bindingOf({ place, resource }: RecordedData): StockBinding {
  return resource === undefined ? { place } : { buffer: resource };
}

function refuseToRead(): never {
  throw new NotRecordable('the kernel reads values on the thread');
}

function namedInputs({ inputNames }: ProgramNode, infos: readonly TensorInfo[]): NamedTensorInfoMap {
  if (inputNames[0] === '0') return infos as unknown as NamedTensorInfoMap;
  return Object.fromEntries(inputNames.map((name, index) => [name, infos[index]!]));
}

/** An output must be what its buffer holds: kernels take int32 for float32 by saying so. */
function placeOf({ dataId, dtype, shape }: TensorInfo): Place | undefined {
  const data = dataId as RecordedData;
  if (elementCount(shape) === 0) return undefined;
  if (data.values !== undefined) throw new NotRecordable('the kernel computes on the thread');
  if (gpuBytes(data) !== gpuBytes({ shape }))
    throw new NotRecordable(`the kernel says [${shape}] of a tensor of shape [${data.shape}]`);
  if ((data.dtype === 'float32') !== (dtype === 'float32'))
    throw new NotRecordable(`the kernel says ${dtype} of ${data.dtype} elements`);
  return data.place;
}
