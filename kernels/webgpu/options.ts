/** How an engine uses WebGPU. */

/** Options of `createEngine` with `device: 'webgpu'`. All of them may be left out. */
export interface WebGpuOptions {
  /** Which GPU to take where there are several. Default `'high-performance'`. */
  readonly powerPreference?: 'low-power' | 'high-performance' | undefined;
  /**
   * Part of the name of the GPU to take, such as `'RTX 4090'` or `'llvmpipe'`. `engine.stats()` has the names of those in use.
   * Default: any.
   */
  readonly adapter?: string | undefined;
}
