/** Gives back what a node holds. */
import type { Block, GpuMemory } from './gpu-memory.js';

export function releaseAll(memory: GpuMemory, blocks: readonly (Block | undefined)[]): void {
  for (const block of blocks) if (block !== undefined) memory.release(block);
}
