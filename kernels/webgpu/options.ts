/** How an engine uses WebGPU. */

/** Options of `createEngine` with `device: 'webgpu'`. All of them may be left out. */
export interface WebGpuOptions {
  /** Which GPU to take where there are several. Default `'high-performance'`. */
  readonly powerPreference?: 'low-power' | 'high-performance' | undefined;
  /**
   * Part of the name of the GPU to take, such as `'RTX 4090'` or `'llvmpipe'`, in upper and lower case as Dawn writes it. A part
   * that is in no name is refused with DEVICE_UNAVAILABLE, which lists Dawn's names of those there are. `engine.stats()` describes
   * the GPU that is in use, with its driver; that need not be its name. Default: any.
   */
  readonly adapter?: string | undefined;
}
