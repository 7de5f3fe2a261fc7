/** Runs the shaders of a recipe once, before anybody waits for them: drivers compile on first use, and shaders may be refused. */
import type { Gpu } from './gpu.js';
import type { Recipe, RecipeBinding, RecipeStep } from './recipe.js';

/** What a shader finds in the place of tensors. It reads and writes within its bounds, whatever sizes it is told. */
const BYTES = 256;

export class Rehearsal {
  readonly #gpu: Gpu;
  readonly #read: GPUBuffer;
  readonly #written: GPUBuffer;

  constructor(gpu: Gpu) {
    const { STORAGE } = gpu.dawn.globals.GPUBufferUsage;
    this.#gpu = gpu;
    this.#read = gpu.device.createBuffer({ size: BYTES, usage: STORAGE });
    this.#written = gpu.device.createBuffer({ size: BYTES, usage: STORAGE });
  }

  /** @throws KERNEL_FAILED for a shader that the device refuses */
  run({ steps }: Recipe): void {
    if (steps.length === 0) return;
    for (const step of steps) this.#dispatch(step);
    this.#gpu.drain();
  }

  #dispatch({ pipeline, layout, bindings }: RecipeStep): void {
    const entries = bindings.map((bound, binding): GPUBindGroupEntry => {
      return { binding, resource: this.#resourceOf(bound, binding) };
    });
    const group = this.#gpu.device.createBindGroup({ layout, entries });
    const pass = this.#gpu.queue.pass();
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(1);
  }

  #resourceOf(bound: RecipeBinding, binding: number): GPUBufferBinding {
    if (bound.kind === 'fixed') return bound.resource;
    return { buffer: binding === 0 ? this.#written : this.#read };
  }
}
