/** TensorFlow.js's WebGPU kernels on Dawn: any GPU with a Vulkan driver, as a queue with a fence behind each submission. */
import type { KernelFunc } from '@tensorflow/tfjs-core';
import { createSystemClock, yieldToEventLoop } from '../../scheduler/clock.js';
import { CurfewError, curfewError, quote } from '../../scheduler/errors.js';
import type {
  BackendMemory,
  BackendOptions,
  DeviceTensor,
  Preparation,
  PreparedNode,
  ProgramNode,
  QueueingBackend,
  TimedWork,
} from '../../scheduler/kernel.js';
import type { TensorSpec } from '../../scheduler/tensor.js';
import type { WorkQueue } from '../../scheduler/work-queue.js';
import { Calibrator } from './calibrator.js';
import { withCheckedValues } from './checked-node.js';
import { prepareCpuNode } from './cpu-node.js';
import { describeAdapter, openDevice } from './dawn.js';
import { prepareEmptyNode } from './empty-node.js';
import { Gpu } from './gpu.js';
import { findWebGpu } from './installation.js';
import type { WebGpuOptions } from './options.js';
import { OwnRecipes } from './own-recipes.js';
import type { Recipe } from './recipe.js';
import { prepareRecipeNode } from './recipe-node.js';
import { NotRecordable, Recorder } from './recorder.js';
import { Rehearsal } from './rehearsal.js';
import { evaluateStockKernels } from './stock-kernels.js';
import { isBindable, isSameOnWebGpu } from './support.js';
import type { GpuTensor } from './tensor.js';
import { readBytes, releaseTensors, uploadTensor } from './transfer.js';
import { WorkTimes } from './work-times.js';

/** Dawn ends the process when its thread is ended in the middle of something. */
export const parks = true;

class WebGpuBackend implements QueueingBackend {
  readonly device = 'webgpu';
  readonly hardware: string;
  readonly queue: WorkQueue;
  readonly memory: Readonly<BackendMemory>;
  timeWork?: (onWork: ((work: TimedWork) => void) | undefined) => void;
  readonly #gpu: Gpu;
  readonly #recorder: Recorder;
  readonly #own: OwnRecipes;
  readonly #rehearsal: Rehearsal;
  /** Whether nothing has been done since the last node was prepared. */
  #isRehearsing = false;

  constructor(gpu: Gpu, recorder: Recorder) {
    this.hardware = describeAdapter(gpu.dawn.info);
    this.queue = gpu.queue;
    this.memory = gpu.memory.memory;
    this.#gpu = gpu;
    this.#recorder = recorder;
    this.#own = new OwnRecipes(gpu);
    this.#rehearsal = new Rehearsal(gpu);
    if (gpu.dawn.hasTimestamps) this.timeWork = this.#timeWorkWith(new Calibrator(gpu));
  }

  #timeWorkWith(calibrator: Calibrator): NonNullable<QueueingBackend['timeWork']> {
    const { queue, clock } = this.#gpu;
    return (onWork) => {
      const times = onWork && new WorkTimes(clock, onWork, calibrator.calibrate());
      queue.timeWork(times);
    };
  }

  prepare(node: ProgramNode): Preparation {
    // Nothing pends between two nodes of a program.
    this.#gpu.leaveIfAsked();
    const own = this.#prepareOnGpu(node);
    if (own !== undefined) return { ...own, run: this.#timed(withCheckedValues(node, this.#gpu, own.run)) };
    const run = prepareCpuNode(node, this.#gpu);
    if (run !== undefined) return { run: this.#timed(run), fallback: 'cpu' };
    throw curfewError(
      'UNSUPPORTED_OP',
      `node "${node.name}": expected an op with a webgpu or cpu kernel, received ${quote(node.op)}`,
      { node: node.name, received: node.op },
    );
  }

  #prepareOnGpu(node: ProgramNode): Preparation | undefined {
    const kernel = this.#recorder.kernel(node.op);
    if (kernel === undefined) return undefined;
    const empty = prepareEmptyNode(node);
    const limitBytes = this.#gpu.device.limits.maxStorageBufferBindingSize;
    if (empty !== undefined) return { run: empty };
    if (!isSameOnWebGpu(node) || !isBindable(node, limitBytes)) return undefined;
    const recipe = this.#recipeOf(kernel, node);
    if (recipe === undefined) return undefined;
    const run = prepareRecipeNode(node, recipe, this.#gpu);
    return { run, release: () => destroyAll(recipe.fixed) };
  }

  /** `undefined` for a shader that does not compile, or a kernel that cannot be recorded: the cpu kernel takes these nodes. */
  #recipeOf(kernel: KernelFunc, node: ProgramNode): Recipe | undefined {
    let recipe: Recipe | undefined;
    try {
      // What failed before is not this node's.
      if (!this.#isRehearsing) this.#gpu.queue.forgetFailures();
      this.#isRehearsing = true;
      recipe = this.#own.find(node) ?? this.#recorder.record(kernel, node);
      this.#rehearsal.run(recipe);
      return recipe;
    } catch (error) {
      if (recipe !== undefined) destroyAll(recipe.fixed);
      const isRefused = error instanceof CurfewError && error.code === 'KERNEL_FAILED';
      if (!isRefused && !(error instanceof NotRecordable)) throw error;
      this.#gpu.queue.forgetFailures();
      return undefined;
    }
  }

  /** Tells the queue where the node's work begins and ends. */
  #timed(run: PreparedNode): PreparedNode {
    const { queue } = this.#gpu;
    return (values) => {
      this.#isRehearsing = false;
      queue.inNode(() => run(values));
    };
  }

  upload(spec: TensorSpec, bytes: Uint8Array): DeviceTensor {
    this.#isRehearsing = false;
    const startMs = this.#gpu.clock.nowMs();
    const tensor = uploadTensor(this.#gpu, spec, bytes);
    this.#gpu.queue.timer.times?.copied('copy-in', startMs, bytes.byteLength);
    return tensor;
  }

  read(tensor: DeviceTensor): Uint8Array {
    const startMs = this.#gpu.clock.nowMs();
    const bytes = readBytes(this.#gpu, tensor as GpuTensor);
    this.#gpu.queue.timer.times?.copied('copy-out', startMs, bytes.byteLength);
    return bytes;
  }

  release(tensor: DeviceTensor): void {
    releaseTensors(this.#gpu, [tensor as GpuTensor]);
  }

  park(): boolean {
    return this.#gpu.park();
  }

  close(): void {
    this.#gpu.close();
  }
}

function destroyAll(buffers: readonly GPUBuffer[]): void {
  for (const buffer of buffers) buffer.destroy();
}

/** Milliseconds in which Dawn ends what it does after a device was made. */
const SETTLE_MS = 5;

/** Dawn's own turns go by first; from then on they are given to it. */
async function settle(gpu: Gpu): Promise<void> {
  const endMs = gpu.clock.nowMs() + SETTLE_MS;
  while (gpu.clock.nowMs() < endMs) await yieldToEventLoop();
}

function checkThreads(threads: number): void {
  if (threads <= 1) return;
  const message = `threads: expected 1, as a GPU has no threads of the process's, received ${threads}`;
  throw curfewError('UNSUPPORTED_OPTION', message, { expected: 1, received: threads });
}

/**
 * Creates a backend with a device of its own.
 *
 * @throws DEVICE_UNAVAILABLE where there is no GPU with a driver, or Dawn is not installed; UNSUPPORTED_OPTION for more than one
 *   thread
 */
export async function createKernelBackend(options: BackendOptions): Promise<QueueingBackend> {
  checkThreads(options.threads);
  const installation = findWebGpu();
  if (installation === undefined)
    throw curfewError(
      'DEVICE_UNAVAILABLE',
      "device: 'webgpu' has not been set up here; run `npx curfew setup webgpu` (in Curfew's own checkout `npm run setup:webgpu`), or `npm install webgpu@0.6.2 @tensorflow/tfjs-backend-webgpu@4.22.0` on a machine with a GPU",
    );
  const dawn = await openDevice(installation.addon, (options.device ?? {}) as WebGpuOptions);
  const gpu = new Gpu(dawn, createSystemClock(), options);
  try {
    await settle(gpu);
    gpu.checkTurns();
    const kernels = evaluateStockKernels(installation.kernels, dawn.globals);
    return new WebGpuBackend(gpu, new Recorder(gpu, kernels));
  } catch (error) {
    gpu.close();
    throw error;
  }
}
