/** Options of the tensorflow device. */

/** How `device: 'tensorflow'` works. Plain data: each stream's thread gets them. */
export interface TensorFlowOptions {
  /**
   * Whether ops count as returning before their kernels have run, so that a run waits for them by reading a tensor.
   * Default: true on a GPU, where it is so, and false on the CPU, where `true` is of use for tests only.
   */
  readonly queueing?: boolean | undefined;
}

/** What the threads of one engine are given. */
export interface TensorFlowThreadOptions extends TensorFlowOptions {
  /** Tells the engine's temporary folders from those of others in the process. Default: none has it. */
  readonly token?: string | undefined;
}
