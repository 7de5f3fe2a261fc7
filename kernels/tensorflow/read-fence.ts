/** The queue of a TensorFlow whose ops return before their kernels have run. */
import type { Mark, WorkQueue } from '../../scheduler/work-queue.js';
import type { Binding } from './addon.js';
import { Staging } from './staging.js';

/**
 * TensorFlow executes ops on a GPU in one CUDA stream, as soon as they are called. The addon's only way to wait for them is
 * to read a tensor: the copy is queued behind all of them.
 */
export class ReadFence implements WorkQueue {
  readonly fences = 'all';
  readonly #addon: Binding;
  /** What fences copy. */
  readonly #probe: number;
  #submitted = 0;
  #reached = 0;
  #hasMore = false;

  constructor(addon: Binding) {
    this.#addon = addon;
    this.#probe = addon.createTensor([], addon.TF_FLOAT, new Staging().copy(new Float32Array(1)));
  }

  /** Work has been handed to TensorFlow. */
  worked(): void {
    this.#hasMore = true;
  }

  submit(): Mark {
    if (this.#hasMore) this.#submitted++;
    this.#hasMore = false;
    return this.#submitted as Mark;
  }

  reached(mark: Mark): boolean {
    return mark <= this.#reached;
  }

  /** Whether the work was over before cannot be known; the time since it was submitted bounds it either way. */
  wait(mark: Mark): boolean {
    if (this.reached(mark)) return false;
    // Told or not, a failure is over with this wait.
    this.#reached = this.#submitted;
    this.#fence();
    return true;
  }

  /** A tensor that was read before is kept on the host and would be read from there, so each fence takes a new one. */
  #fence(): void {
    const type = { name: 'T', type: this.#addon.TF_ATTR_TYPE, value: this.#addon.TF_FLOAT };
    const [fresh] = this.#addon.executeOp('Identity', [type], [this.#probe], 1);
    try {
      this.#addon.tensorDataSync(fresh!.id);
    } finally {
      this.#addon.deleteTensor(fresh!.id);
    }
  }

  close(): void {
    this.#addon.deleteTensor(this.#probe);
  }
}
