/** Nodes that run on the GPU: repeat what was recorded, on the buffers of each execution. */
import type { PreparedNode, ProgramNode } from '../../scheduler/kernel.js';
import type { Gpu } from './gpu.js';
import type { Block } from './gpu-memory.js';
import type { Place, Recipe, RecipeStep } from './recipe.js';
import { releaseAll } from './release-all.js';
import type { GpuTensor } from './tensor.js';

/** Buffers of one execution, by place. */
type Blocks = readonly (Block | undefined)[];

/** Prepares a node on its recipe. */
export function prepareRecipeNode(node: ProgramNode, recipe: Recipe, gpu: Gpu): PreparedNode {
  const { inputs, outputs, outputSpecs } = node;
  const steps = recipe.steps.map((step) => new Dispatch(step, gpu.device));
  const newBytes = recipe.madeBytes.reduce(
    (sum, bytes) => sum + (bytes === 0 ? 0 : gpu.memory.capacityFor(bytes)),
    0,
  );
  return (values) => {
    gpu.memory.checkRoom(newBytes);
    const made = makeBlocks(gpu, recipe.madeBytes);
    try {
      const blocks = [...inputs.map((id) => (values[id] as GpuTensor).block), ...made];
      if (steps.length > 0) {
        const pass = gpu.queue.pass();
        for (const step of steps) step.encode(pass, blocks);
      }
      for (let index = 0; index < outputs.length; index++)
        values[outputs[index]!] = makeOutput(gpu, outputSpecs[index]!, blocks, recipe.outputs[index]);
    } finally {
      // Outputs hold theirs; the rest is free for whatever is encoded later.
      releaseAll(gpu.memory, made);
    }
  };
}

function makeBlocks(gpu: Gpu, sizes: readonly number[]): (Block | undefined)[] {
  const made: (Block | undefined)[] = [];
  try {
    for (const bytes of sizes) made.push(bytes === 0 ? undefined : gpu.memory.allocate(bytes));
    return made;
  } catch (error) {
    releaseAll(gpu.memory, made);
    throw error;
  }
}

function makeOutput(
  { memory }: Gpu,
  { dtype, shape }: ProgramNode['outputSpecs'][number],
  blocks: Blocks,
  place: Place | undefined,
): GpuTensor {
  const block = place === undefined ? undefined : blocks[place];
  if (block !== undefined) memory.retain(block);
  return { dtype, shape, block };
}

/** Bind groups that a dispatch keeps: buffers come back, in few orders. */
const KEPT_GROUPS = 4;

/** One dispatch of a shader. */
class Dispatch {
  readonly #step: RecipeStep;
  readonly #device: GPUDevice;
  /** The bindings that differ from execution to execution. */
  readonly #places: readonly Place[];
  readonly #kept: { readonly buffers: readonly GPUBuffer[]; readonly group: GPUBindGroup }[] = [];
  #oldest = 0;

  constructor(step: RecipeStep, device: GPUDevice) {
    this.#step = step;
    this.#device = device;
    this.#places = step.bindings.flatMap((binding) => (binding.kind === 'place' ? [binding.place] : []));
  }

  encode(pass: GPUComputePassEncoder, blocks: Blocks): void {
    const { pipeline, workgroups } = this.#step;
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, this.#groupOf(blocks));
    pass.dispatchWorkgroups(workgroups[0], workgroups[1], workgroups[2]);
  }

  #groupOf(blocks: Blocks): GPUBindGroup {
    for (const { buffers, group } of this.#kept) if (this.#areBuffersOf(blocks, buffers)) return group;
    const group = this.#makeGroup(blocks);
    this.#kept[this.#oldest] = { buffers: this.#places.map((place) => blocks[place]!.buffer), group };
    this.#oldest = (this.#oldest + 1) % KEPT_GROUPS;
    return group;
  }

  #areBuffersOf(blocks: Blocks, buffers: readonly GPUBuffer[]): boolean {
    for (let index = 0; index < buffers.length; index++)
      if (blocks[this.#places[index]!]!.buffer !== buffers[index]) return false;
    return true;
  }

  #makeGroup(blocks: Blocks): GPUBindGroup {
    const { layout, bindings } = this.#step;
    const entries = bindings.map((bound, binding): GPUBindGroupEntry => {
      if (bound.kind === 'fixed') return { binding, resource: bound.resource };
      const { buffer, bytes } = blocks[bound.place]!;
      return { binding, resource: { buffer, size: bytes } };
    });
    return this.#device.createBindGroup({ layout, entries });
  }
}
