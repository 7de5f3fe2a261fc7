/** Options of the checks. */
import type { CreateKernelBackend } from '../../scheduler/kernel.js';
import type { EngineOptions } from '../options.js';

/** What the checks know of a device beside its module. All of it may be left out. */
export interface DeviceCheckOptions {
  /** What the module gets as `options.device`. Plain data. Default: `undefined`. */
  readonly device?: unknown;
  /**
   * A name that makes kernel nodes fail: in the call on a device without a queue, on the device otherwise. Nodes of other
   * names are well. Default: none, and how failures surface is not checked.
   */
  readonly failingNode?: string | undefined;
  /** How an engine starts the device. Default: none, and no whole runs are checked. */
  readonly engine?: Pick<EngineOptions, 'device' | 'tensorflow' | 'webgpu' | 'virtual'> | undefined;
  /** Seed of the random inputs. Default 1. */
  readonly seed?: number | undefined;
  /** Largest difference from the reference, relative to values above 1. Default 1e-4. */
  readonly tolerance?: number | undefined;
  /**
   * The clock that `timeWork` tells times on, in milliseconds. Default: `process.hrtime()`, which all threads of a process
   * share.
   */
  readonly nowMs?: (() => number) | undefined;
  /** Milliseconds of real time after which a check that has not ended fails: its device hangs. Default 60000. */
  readonly withinMs?: number | undefined;
}

/** The device under test. */
export interface Subject {
  readonly createBackend: CreateKernelBackend;
  readonly options: DeviceCheckOptions;
}
