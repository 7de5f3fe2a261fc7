/** Messages between the main thread and a stream's worker, and the shared memory statistics. */
import type { CancellationMode } from '../../scheduler/cancellation.js';
import type { Fallback } from '../../scheduler/device.js';
import type { ErrorRecord } from '../../scheduler/errors.js';
import type { NodeId } from '../../scheduler/graph.js';
import type { BackendMemory, BackendOptions } from '../../scheduler/kernel.js';
import type { StreamProgram } from '../../scheduler/program.js';
import type { ExportedValue, ProgramKey, SlotIndex } from '../../scheduler/stream.js';
import type { TimelineTarget } from '../../scheduler/stream-timeline.js';

/** What a stream's worker is started with. */
export interface StreamWorkerData {
  /** URL of the module whose `createKernelBackend` makes the kernels. */
  readonly backend: string;
  readonly options: BackendOptions;
  readonly control: { readonly buffer: SharedArrayBuffer; readonly slots: number };
  /** Float64 values, see `MEMORY`. */
  readonly memory: SharedArrayBuffer;
  /** See `claims.ts`. */
  readonly claims: Int32Array<SharedArrayBuffer>;
}

/** Places in the shared statistics, each right by itself: what runs hold now, the most they held, and constants. */
export const MEMORY = Object.freeze({ runBytes: 0, runPeakBytes: 1, constantBytes: 2, length: 3 });

/** Writes the statistics of a stream. The reader may look between two of the words, so none is to be corrected by another. */
export function writeMemory(memory: Float64Array, backend: BackendMemory, constantBytes: number): void {
  memory[MEMORY.runBytes] = backend.liveBytes - constantBytes;
  memory[MEMORY.runPeakBytes] = Math.max(0, backend.peakBytes - constantBytes);
  memory[MEMORY.constantBytes] = constantBytes;
}

/** To the worker. */
export type ToStream =
  | {
      readonly type: 'load';
      readonly key: ProgramKey;
      readonly program: StreamProgram;
      readonly constants: SharedArrayBuffer;
    }
  | { readonly type: 'unload'; readonly key: ProgramKey }
  | { readonly type: 'exchange'; readonly slot: SlotIndex; readonly buffer: SharedArrayBuffer | undefined }
  | {
      readonly type: 'segment';
      readonly slot: SlotIndex;
      readonly key: ProgramKey;
      readonly segment: number;
      readonly mode: CancellationMode;
      readonly timeline: TimelineTarget | undefined;
      /** For `claims.ts`; `undefined` when the segment is never taken back. */
      readonly ticket: number | undefined;
    }
  | { readonly type: 'close'; readonly slot: SlotIndex; readonly acknowledge: boolean };

/** How a segment ended, as the worker reports it. */
export interface SegmentEnd {
  readonly type: 'segment';
  readonly slot: SlotIndex;
  readonly segment: number;
  readonly status: 'completed' | 'stopped' | 'failed';
  readonly nodesCompleted: number;
  readonly stoppedBefore: NodeId | undefined;
  readonly error: ErrorRecord | undefined;
  readonly outputs: readonly ExportedValue[];
  readonly endedMs: number | undefined;
}

/** From the worker. */
export type FromStream =
  | { readonly type: 'ready' }
  | { readonly type: 'unavailable'; readonly error: ErrorRecord }
  | { readonly type: 'loaded'; readonly key: ProgramKey; readonly fallbacks: readonly Fallback[] }
  | { readonly type: 'not-loaded'; readonly key: ProgramKey; readonly error: ErrorRecord }
  | {
      readonly type: 'node';
      readonly slot: SlotIndex;
      readonly node: NodeId;
      readonly outputs: readonly ExportedValue[];
    }
  | SegmentEnd
  | { readonly type: 'closed'; readonly slot: SlotIndex }
  /** The backend cannot be trusted any more (a WebAssembly trap): the stream must be replaced. */
  | { readonly type: 'defunct'; readonly error: ErrorRecord };
