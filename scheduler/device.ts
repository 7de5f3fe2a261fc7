/** The contract of a device: streams, their memory, and the control words that stop runs on them. */
import type { ControlWord } from './cancellation.js';
import type { Clock } from './clock.js';
import type { StreamProgram } from './program.js';
import type { ProgramKey, SlotIndex, Stream } from './stream.js';

/** A kernel node that runs on another device's kernels because its own device lacks the kernel. */
export interface Fallback {
  /** Name of the node. */
  readonly node: string;
  readonly op: string;
  /** The device whose kernels execute it. */
  readonly device: string;
}

/** Bytes on one stream. */
export interface StreamMemory {
  /** Tensors that runs hold now. */
  readonly liveBytes: number;
  /** The most that runs held at once. */
  readonly peakBytes: number;
  /** Constants of the loaded programs. */
  readonly constantBytes: number;
}

/** A stream as the engine manages it. */
export interface DeviceStream extends Stream {
  /** Whether runs can be given to it now: not while it is being replaced. */
  readonly available: boolean;
  /** Set when the stream could not be replaced and will not come back. */
  readonly broken: Error | undefined;
  /** What executes its work, in words, once the device has told it. */
  readonly hardware?: string | undefined;
  /** How often the stream was replaced. */
  readonly replaced: number;
  /** Threads of the stream that hang where they cannot be ended. */
  readonly abandonedThreads: number;
  /**
   * Sends a program, once; a replacement of the stream gets it by itself.
   *
   * @throws UNSUPPORTED_OP, OUT_OF_MEMORY, DEVICE_LOST
   */
  load(key: ProgramKey, program: StreamProgram, constants: SharedArrayBuffer): Promise<readonly Fallback[]>;
  /** Forgets a program and frees its constants. No run of it may be open. */
  unload(key: ProgramKey): void;
  /** The buffer through which values of this slot's runs reach the stream, set before a run is opened; or none. */
  setExchange(slot: SlotIndex, buffer: SharedArrayBuffer | undefined): void;
  memory(): StreamMemory;
}

/** Control words of all slots, and the watchdog that stops runs at their deadlines. */
export interface RunControls {
  /** Begins a run in a slot: the word says running, whatever late writers of earlier runs do. */
  begin(slot: SlotIndex): ControlWord;
  /** Sets the state unless the run is stopped already. Returns whether this call stopped it. */
  stop(slot: SlotIndex, state: number): boolean;
  /** Arms the run's deadline: the watchdog stops it when its clock reaches `atMs`. */
  setDeadline(slot: SlotIndex, atMs: number): void;
  /** Ends the run: no deadline any more. */
  end(slot: SlotIndex): void;
}

/** What the engine tells a device about itself. */
export interface DeviceEvents {
  /** A stream became available or broken. */
  onStreamChange(stream: number): void;
  /** A stream died or was retired, and a replacement is being started. */
  onStreamReplaced(stream: number, reason: Error): void;
}

/** Executes kernels on its streams. */
export interface Device {
  readonly name: string;
  readonly clock: Clock;
  readonly streams: readonly DeviceStream[];
  readonly controls: RunControls;
  /** Whether the watchdog runs; without it deadlines are left to timers. */
  hasWatchdog(): boolean;
  /** Ends all streams, also in the middle of work. Runs that are left are lost. */
  close(): Promise<void>;
}

/** What a device is made with. */
export interface DeviceOptions {
  readonly streams: number;
  readonly threads: number;
  /** Slots for runs in flight, over all streams. */
  readonly slots: number;
  readonly memoryLimitBytes: number | undefined;
  readonly clock: Clock;
  readonly events: DeviceEvents;
}
