/** The memory statistics of a stream, in words that its thread writes and any thread reads. */
import type { StreamMemory } from '../../scheduler/device.js';
import type { BackendMemory } from '../../scheduler/kernel.js';
import { allocateShared } from '../../scheduler/shared-memory.js';

/** Places of the float64 words, each right by itself: what runs hold now, the most they held, and constants. */
const WORD = Object.freeze({ runBytes: 0, runPeakBytes: 1, constantBytes: 2, length: 3 });

/** Makes the words of a stream. @throws OUT_OF_MEMORY */
export function createMemoryWords(): SharedArrayBuffer {
  return allocateShared(WORD.length * Float64Array.BYTES_PER_ELEMENT, 'statistics');
}

/** Writes the statistics. The reader may look between two of the words, so none is to be corrected by another. */
export function writeMemory(words: Float64Array, backend: BackendMemory, constantBytes: number): void {
  words[WORD.runBytes] = backend.liveBytes - constantBytes;
  words[WORD.runPeakBytes] = Math.max(0, backend.peakBytes - constantBytes);
  words[WORD.constantBytes] = constantBytes;
}

/** Reads the statistics. */
export function readMemory(words: Float64Array): StreamMemory {
  return {
    liveBytes: words[WORD.runBytes]!,
    peakBytes: words[WORD.runPeakBytes]!,
    constantBytes: words[WORD.constantBytes]!,
  };
}
