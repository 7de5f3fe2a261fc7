/** The binding that kernels are called with: the addon's, with every byte counted and what a call leaves behind known. */
import { curfewError } from '../../scheduler/errors.js';
import type { BackendMemory } from '../../scheduler/kernel.js';
import { type DType, elementCount, type TensorData } from '../../scheduler/tensor.js';
import { BINDING_CONSTANTS, type Binding, type OpAttribute, type TensorMetadata } from './addon.js';
import { asCurfewError } from './addon-error.js';
import { Staging } from './staging.js';

/** Memory under one tensor, or under several that share it. */
interface Storage {
  readonly bytes: number;
  tensors: number;
}

/** Ops of TensorFlow whose output is its first input's memory in another shape, always. */
export const ALIASING: ReadonlySet<string> = new Set(['ExpandDims', 'Identity', 'Reshape', 'Squeeze']);

/** Most of the memory limit that chunks may hold. */
const HELD_SHARE = 0.25;

/** Bytes of an element whose type is none of Curfew's: kernels use them on their way. */
const WIDE_BYTES = 8;

/** What is told of calls while a node is recorded. */
export interface BindingRecorder {
  created(
    id: number,
    shape: readonly number[],
    dtype: number,
    values: TensorData | readonly Uint8Array[],
  ): void;
  executed(
    name: string,
    attributes: readonly OpAttribute[],
    inputIds: readonly number[],
    outputs: readonly TensorMetadata[],
  ): void;
  read(): void;
}

/** Declares the constants that the constructor copies. */
export interface CountedBinding extends Binding {}

// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the constructor sets every constant, see BINDING_CONSTANTS.
export class CountedBinding {
  /** Told of everything that is called while a node is recorded. */
  recorder: BindingRecorder | undefined;
  readonly memory: BackendMemory = { liveBytes: 0, peakBytes: 0 };
  readonly #addon: Binding;
  readonly #limitBytes: number;
  readonly #staging = new Staging();
  readonly #storages = new Map<number, Storage>();
  readonly #models = new Set<number>();
  /** What ends the holds that have not ended. */
  readonly #holds = new Set<() => void>();
  #heldBytes = 0;
  readonly #elementBytes: ReadonlyMap<number, number>;
  /** Tensors made since `collectMade`; uploads and chunks are collected by nobody. */
  #made: number[] | undefined;

  constructor(addon: Binding, limitBytes: number | undefined) {
    for (const name of BINDING_CONSTANTS) Object.defineProperty(this, name, { value: addon[name] });
    this.#addon = addon;
    this.#limitBytes = limitBytes ?? Number.POSITIVE_INFINITY;
    this.#elementBytes = new Map([
      [addon.TF_FLOAT, 4],
      [addon.TF_INT32, 4],
      [addon.TF_BOOL, 1],
      [addon.TF_UINT8, 1],
    ]);
  }

  /** TensorFlow's number of a dtype. */
  typeOf(dtype: DType): number {
    if (dtype === 'float32') return this.TF_FLOAT;
    return dtype === 'int32' ? this.TF_INT32 : this.TF_BOOL;
  }

  /** @throws OUT_OF_MEMORY unless so many bytes more are within the limit */
  checkRoom(bytes: number): void {
    if (this.memory.liveBytes + bytes <= this.#limitBytes) return;
    throw this.#noRoom(bytes, 'for tensors');
  }

  #noRoom(bytes: number, what: string): Error {
    const limitBytes = this.#limitBytes;
    const { liveBytes } = this.memory;
    return curfewError(
      'OUT_OF_MEMORY',
      `tensorflow: could not allocate ${bytes} bytes ${what} with ${liveBytes} of ${limitBytes} bytes live`,
      { expected: limitBytes, received: bytes },
    );
  }

  /**
   * Counts bytes that no tensor has: what chunks hold. Returns what ends that. Where memory is limited they are given a part
   * of it only: runs and further graphs can do without chunks, but not without memory.
   *
   * @throws OUT_OF_MEMORY
   */
  hold(bytes: number): () => void {
    this.checkRoom(bytes);
    if (this.#heldBytes + bytes > HELD_SHARE * this.#limitBytes) throw this.#noRoom(bytes, 'for chunks');
    this.#allocated(bytes);
    this.#heldBytes += bytes;
    const end = () => {
      if (!this.#holds.delete(end)) return;
      this.memory.liveBytes -= bytes;
      this.#heldBytes -= bytes;
    };
    this.#holds.add(end);
    return end;
  }

  createTensor(shape: readonly number[], dtype: number, values: TensorData | readonly Uint8Array[]): number {
    const bytes = this.#bytesOf(shape, dtype);
    this.checkRoom(bytes);
    const copy = ArrayBuffer.isView(values) ? this.#staging.copy(values) : values;
    const id = this.#try(() => this.#addon.createTensor(shape, dtype, copy));
    this.#hold(id, this.#allocated(bytes));
    this.recorder?.created(id, shape, dtype, values);
    return id;
  }

  executeOp(
    name: string,
    attributes: readonly OpAttribute[],
    inputIds: readonly number[],
    outputCount: number,
  ): TensorMetadata[] {
    const outputs = this.#try(() => this.#addon.executeOp(name, attributes, inputIds, outputCount));
    const shared = ALIASING.has(name) ? this.#storages.get(inputIds[0]!) : undefined;
    if (shared === undefined) this.#holdNew(outputs);
    else this.#hold(outputs[0]!.id, shared);
    this.recorder?.executed(name, attributes, inputIds, outputs);
    return outputs;
  }

  /** Collects tensors that are made, until `takeMade`. */
  collectMade(): void {
    this.#made = [];
  }

  /** Ends `collectMade`. What was made is the caller's to keep or to delete. */
  takeMade(): number[] {
    const made = this.#made ?? [];
    this.#made = undefined;
    return made;
  }

  /** Bytes under a tensor. */
  sizeOf(id: number): number {
    return this.#storages.get(id)?.bytes ?? 0;
  }

  has(id: number): boolean {
    return this.#storages.has(id);
  }

  deleteTensor(id: number): void {
    const storage = this.#storages.get(id);
    if (storage === undefined) return;
    this.#storages.delete(id);
    this.#addon.deleteTensor(id);
    storage.tensors--;
    if (storage.tensors === 0) this.memory.liveBytes -= storage.bytes;
  }

  /** Deletes tensors and saved models, and ends what is held. */
  deleteAll(): void {
    for (const id of [...this.#storages.keys()]) this.deleteTensor(id);
    for (const id of [...this.#models]) this.deleteSavedModel(id);
    for (const end of [...this.#holds]) end();
  }

  tensorDataSync(id: number): TensorData {
    this.recorder?.read();
    return this.#try(() => this.#addon.tensorDataSync(id));
  }

  isUsingGpuDevice(): boolean {
    return this.#addon.isUsingGpuDevice();
  }

  loadSavedModel(folder: string, tags: string): number {
    const id = this.#try(() => this.#addon.loadSavedModel(folder, tags));
    this.#models.add(id);
    return id;
  }

  deleteSavedModel(id: number): void {
    if (this.#models.delete(id)) this.#addon.deleteSavedModel(id);
  }

  runSavedModel(id: number, inputIds: readonly number[], inputs: string, outputs: string): TensorMetadata[] {
    const made = this.#try(() => this.#addon.runSavedModel(id, inputIds, inputs, outputs));
    this.#holdNew(made);
    return made;
  }

  #try<Result>(call: () => Result): Result {
    try {
      return call();
    } catch (error) {
      throw asCurfewError(error);
    }
  }

  /** What the addon has made counts only if all of it is within the limit. */
  #holdNew(outputs: readonly TensorMetadata[]): void {
    const bytes = outputs.map(({ shape, dtype }) => this.#bytesOf(shape, dtype));
    try {
      this.checkRoom(bytes.reduce((sum, size) => sum + size, 0));
    } catch (error) {
      for (const { id } of outputs) this.#addon.deleteTensor(id);
      throw error;
    }
    for (const [index, { id }] of outputs.entries()) this.#hold(id, this.#allocated(bytes[index]!));
  }

  #allocated(bytes: number): Storage {
    const { memory } = this;
    memory.liveBytes += bytes;
    memory.peakBytes = Math.max(memory.peakBytes, memory.liveBytes);
    return { bytes, tensors: 0 };
  }

  #hold(id: number, storage: Storage): void {
    storage.tensors++;
    this.#storages.set(id, storage);
    this.#made?.push(id);
  }

  #bytesOf(shape: readonly number[], dtype: number): number {
    return elementCount(shape) * (this.#elementBytes.get(dtype) ?? WIDE_BYTES);
  }
}
