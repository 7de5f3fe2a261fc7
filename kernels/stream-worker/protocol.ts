/** Messages between the main thread and a stream's worker. */
import type { CancellationMode } from '../../scheduler/cancellation.js';
import type { Fallback } from '../../scheduler/device.js';
import type { ErrorRecord } from '../../scheduler/errors.js';
import type { NodeId } from '../../scheduler/graph.js';
import type { BackendOptions } from '../../scheduler/kernel.js';
import type { StreamProgram } from '../../scheduler/program.js';
import type { ExportedValue, ProgramKey, SlotIndex } from '../../scheduler/stream.js';
import type { TimelineTarget } from '../../scheduler/stream-timeline.js';
import type { ParkWord } from './parking.js';

/** What a stream's worker is started with. */
export interface StreamWorkerData {
  /** URL of the module whose `createKernelBackend` makes the kernels. */
  readonly backend: string;
  readonly options: Omit<BackendOptions, 'leaveIfAsked' | 'whileFree'>;
  readonly control: { readonly buffer: SharedArrayBuffer; readonly slots: number };
  /** See `memory-words.ts`. */
  readonly memory: SharedArrayBuffer;
  /** See `claims.ts`. */
  readonly claims: Int32Array<SharedArrayBuffer>;
  /** See `parking.ts`. */
  readonly parking: ParkWord;
}

/** A segment of a run, to be executed. */
export interface SegmentMessage {
  readonly type: 'segment';
  readonly slot: SlotIndex;
  readonly key: ProgramKey;
  readonly segment: number;
  readonly mode: CancellationMode;
  readonly timeline: TimelineTarget | undefined;
  /** See `claims.ts`. */
  readonly ticket: number;
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
  | SegmentMessage
  | { readonly type: 'close'; readonly slot: SlotIndex; readonly acknowledge: boolean };

/** What else a worker is sent: it is asked to park, see `parking.ts`. */
export type ToThread = ToStream | { readonly type: 'park' };

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
  /** The backend cannot be trusted any more (a WebAssembly trap): the worker executes nothing more. */
  readonly defunct: boolean;
}

/** From the worker. */
export type FromStream =
  | { readonly type: 'ready'; readonly hardware?: string | undefined }
  | { readonly type: 'unavailable'; readonly error: ErrorRecord }
  | { readonly type: 'loaded'; readonly key: ProgramKey; readonly fallbacks: readonly Fallback[] }
  | {
      readonly type: 'not-loaded';
      readonly key: ProgramKey;
      readonly error: ErrorRecord;
      /** As in `SegmentEnd`. */
      readonly defunct: boolean;
    }
  | {
      readonly type: 'nodes';
      readonly slot: SlotIndex;
      readonly nodes: readonly NodeId[];
      readonly outputs: readonly ExportedValue[];
    }
  | SegmentEnd
  | { readonly type: 'closed'; readonly slot: SlotIndex };

/** What else a worker tells: it is parked, and whether its device is idle. */
export type FromThread = FromStream | { readonly type: 'parked'; readonly idle: boolean };
