/** The contract of a device's kernels, as a stream worker hosts them. A device implements it in `kernels/<device>/`. */
import type { Attributes, NodeCost, NodeId, ValueId } from './graph.js';
import type { TensorSpec } from './tensor.js';
import type { WorkQueue } from './work-queue.js';

/** One kernel node of a stream's program. Plain data: it is sent to the worker once, when a graph is compiled. */
export interface ProgramNode {
  readonly id: NodeId;
  readonly name: string;
  readonly op: string;
  readonly attributes: Attributes;
  readonly inputNames: readonly string[];
  /** Places in the value table, in the order of `inputNames`. */
  readonly inputs: readonly ValueId[];
  readonly inputSpecs: readonly TensorSpec[];
  /** Places in the value table that the node fills. */
  readonly outputs: readonly ValueId[];
  readonly outputSpecs: readonly TensorSpec[];
  /** Expected cost, from the op table. */
  readonly cost: NodeCost;
}

/** A tensor on the device. Only the backend that made it looks inside. */
export interface DeviceTensor extends TensorSpec {}

/** What one run holds on one stream, by value id; `undefined` is not there (yet, or any more). */
export type ValueTable = (DeviceTensor | undefined)[];

/**
 * A node made ready to run: reads its inputs from the table, writes its outputs into it. Never a promise.
 *
 * It either fills every output or throws having released all it allocated and put nothing into the table. It leaves its
 * inputs alone: the worker releases them after their last use. An output is a tensor of its own, which may share memory with
 * an input (`Reshape`), counted by the backend. Several runs share a prepared node, each with a table of its own.
 */
export type PreparedNode = (values: ValueTable) => void;

/** The outcome of preparing a node. */
export interface Preparation {
  readonly run: PreparedNode;
  /** Name of another device's kernels that this node runs on because the device lacks the kernel. */
  readonly fallback?: string | undefined;
  /** Frees what the node holds between its runs, if anything. It is not run afterwards. */
  release?(): void;
}

/** What a node asks of its device when it executes. Only the backend that noted it looks inside. */
export type Recording = object;

/** Consecutive nodes that are to become one call. */
export interface ChunkRequest {
  readonly nodes: readonly { readonly node: ProgramNode; readonly recording: Recording }[];
  /** Values that the nodes make and that are needed after them. */
  readonly outputs: readonly ValueId[];
  /** The program's constants at their places. Whatever else the nodes use and do not make is in the run's table. */
  readonly constants: Readonly<ValueTable>;
}

/** Several nodes made one call. */
export interface Chunk {
  /** As a prepared node: fills all outputs of the request, or throws. An error names its node where the device tells. */
  readonly run: PreparedNode;
  /** Frees what the chunk holds. It is not run afterwards. */
  release(): void;
}

/**
 * Makes one call of several nodes, for a device that computes them faster together. Slow, so the stream does something else
 * between two calls where it has to.
 */
export interface ChunkCompiler {
  /**
   * Executes the node like its `run`, and notes what it asks of the device. `undefined`: it executed, but what it does
   * depends on values, so it cannot be part of a chunk.
   */
  record(node: ProgramNode, values: ValueTable): Recording | undefined;
  /**
   * Makes the chunk. What it holds, such as copies of constants, counts in `memory.liveBytes` until its release.
   *
   * @throws UNSUPPORTED_OP when the device refuses these nodes together, which are tried apart then; OUT_OF_MEMORY when it does
   *   not fit; anything else fails the compilation
   */
  compile(request: ChunkRequest): Chunk;
}

/** Memory of one stream in bytes. */
export interface BackendMemory {
  /** Bytes of tensors alive, constants included. */
  liveBytes: number;
  /** Largest `liveBytes` since the start. */
  peakBytes: number;
}

/** Work of a queueing device that it timed itself, in milliseconds on the shared clock: that of `process.hrtime()`. */
export interface TimedWork {
  /** A node, a copy to the device, or a copy from it. */
  readonly kind: 'node' | 'copy-in' | 'copy-out';
  readonly startMs: number;
  readonly endMs: number;
  /** Bytes copied; 0 for a node. */
  readonly bytes: number;
}

/** What all kernel backends have in common; see `KernelBackend`. */
interface BackendBase {
  /** Name in reports, such as `wasm`. */
  readonly device: string;
  /** What executes, in words, where that differs from machine to machine: a GPU and its driver. */
  readonly hardware?: string | undefined;
  /** Makes a node ready. Called once per node and program. */
  prepare(node: ProgramNode): Preparation;
  /** Copies bytes (row-major, little-endian) to the device. It has read them when it returns: the buffer is reused. */
  upload(spec: TensorSpec, bytes: Uint8Array): DeviceTensor;
  /**
   * Gives the tensor back, in stream order: work that calls before it have prepared, submitted or not, still finds it. A
   * tensor that shares memory gives it back when the last one goes. It counts at once, whenever the memory itself goes.
   */
  release(tensor: DeviceTensor): void;
  readonly memory: Readonly<BackendMemory>;
  /** For a device on which several nodes are faster as one call. The calls of chunks return when their work is done. */
  readonly chunks?: ChunkCompiler | undefined;
  /**
   * Frees everything, also of work that is not over. The backend is not used afterwards. For whoever hosts a backend in a
   * thread of their own: an engine ends the stream's thread instead, and does not call it.
   */
  close(): void;
  /**
   * For a device that takes the process down when its thread is ended in the middle of something; its module exports
   * `parks = true`, too. Called when the thread is to end, possibly from within a wait of the backend's own: leaves nothing
   * pending, and returns whether the device is idle; called again every few milliseconds until it is. The thread blocks in
   * between: its event loop does not turn any more. Nothing else is asked of the backend afterwards.
   */
  park?(): boolean;
}

/** Kernels whose calls return when their work is done. */
export interface ImmediateBackend extends BackendBase {
  readonly queue?: undefined;
  /** The tensor's bytes. The view is valid until the next call of any method; the worker copies it to keep it. */
  read(tensor: DeviceTensor): Uint8Array;
}

/** Kernels whose calls only prepare work: it executes after `queue.submit()`, in the order of the calls. */
export interface QueueingBackend extends BackendBase {
  readonly queue: WorkQueue;
  /**
   * The tensor's bytes once the work that makes it is over: reading is a wait, too. The worker has waited for a mark
   * that covers this work, or found it reached, before it asks. The view is valid until the next call of any method.
   */
  read(tensor: DeviceTensor): Uint8Array | Promise<Uint8Array>;
  /**
   * Optional: tells of all work handed over from now on when it is over, each kind in the order it was handed over; or,
   * given `undefined`, of none. Each call of a prepared node is one piece of work, whatever the device makes of it, so is each
   * upload and each read; it is told before the wait that covers it ends. Without it a timeline shows when nodes were
   * submitted and awaited, not when they executed.
   */
  timeWork?(onWork: ((work: TimedWork) => void) | undefined): void;
}

/**
 * The kernels and the memory of one stream. Single-threaded; all calls come from the stream's worker, one after the
 * other: while a promise that the backend returned is pending, nothing else is asked of it.
 *
 * Errors are `CurfewError`s: UNSUPPORTED_OP from `prepare`; OUT_OF_MEMORY from `upload` and from prepared nodes;
 * anything else a prepared node throws is reported as KERNEL_FAILED with the node's name.
 */
export type KernelBackend = ImmediateBackend | QueueingBackend;

/** Options a backend is created with. Plain data, but for `leaveIfAsked` and `whileFree`. */
export interface BackendOptions {
  /** Index of the stream, from 0. */
  readonly stream: number;
  /** Intra-op threads. */
  readonly threads: number;
  /** Most bytes of live tensors on this stream; `undefined`: what the device can hold. */
  readonly memoryLimitBytes: number | undefined;
  /** `options` of `{ device: { module, options } }`. */
  readonly device: unknown;
  /**
   * Does not return once the thread is to end. A device that waits by itself calls it in each turn of a wait, see `park`.
   * There only in a stream's thread whose device parks.
   */
  readonly leaveIfAsked?: (() => void) | undefined;
  /**
   * Does work during which the thread can be ended at any time: long work of the thread's own, with nothing of the device
   * pending. There with `leaveIfAsked`.
   */
  readonly whileFree?: (<Result>(work: () => Result) => Result) | undefined;
}

/** What a device module exports as `createKernelBackend`. */
export type CreateKernelBackend = (options: BackendOptions) => Promise<KernelBackend> | KernelBackend;
