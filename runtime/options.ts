/** Options of engines and runs, as callers give them and as they are once checked. */

import type { DeviceChoice } from '../kernels/devices.js';
import type { TensorFlowOptions } from '../kernels/tensorflow/options.js';
import type { VirtualOptions } from '../kernels/virtual/options.js';
import type { WebGpuOptions } from '../kernels/webgpu/options.js';
import { type CancellationMode, type CancellationOption, resolveMode } from '../scheduler/cancellation.js';
import { curfewError } from '../scheduler/errors.js';
import {
  MAX_RUNS_IN_FLIGHT,
  MAX_STREAMS,
  MAX_TIMELINE_RECORDS,
  MAX_TIMEOUT_MS,
} from '../scheduler/limits.js';
import { messageOf } from '../scheduler/quote.js';
import { checkFields, checkKeys, invalidOption as invalid, optional, type Rules } from './option-checks.js';
import { asUrl, isAbortSignal } from './platform-objects.js';
import { checkVirtualOptions } from './virtual-options.js';

/** Options of `createEngine`. */
export interface EngineOptions {
  /**
   * What executes kernels: `'wasm'` (default), `'tensorflow'` and `'webgpu'` (after `npx curfew setup` with its name), `'virtual'`
   * (simulated, see `virtual`), or a module that exports `createKernelBackend`, loaded in each stream's worker with `options` (plain data).
   */
  readonly device?:
    | 'wasm'
    | 'tensorflow'
    | 'webgpu'
    | 'virtual'
    | { readonly module: URL; readonly options?: unknown }
    | undefined;
  /** How TensorFlow is used. Only with `device: 'tensorflow'`. */
  readonly tensorflow?: TensorFlowOptions | undefined;
  /** Which GPU is used. Only with `device: 'webgpu'`. */
  readonly webgpu?: WebGpuOptions | undefined;
  /** What the virtual device simulates. Only with `device: 'virtual'`. */
  readonly virtual?: VirtualOptions | undefined;
  /** Streams, each a worker thread with a heap of its own. 1 to 64. Default 1. */
  readonly streams?: number | undefined;
  /** Intra-op threads per stream. Default 1; wasm offers no more yet, and TensorFlow's threads are its own. */
  readonly threads?: number | undefined;
  /** Runs in flight per stream: while one executes, the next one's feeds can be written. 1 to 256. Default 2. */
  readonly runsInFlight?: number | undefined;
  /** Runs that may wait; beyond it `run()` rejects with QUEUE_FULL. 0 or more, or `Infinity`. Default 1024. */
  readonly queueLimit?: number | undefined;
  /** Most bytes of tensors alive on each stream, constants included. Default: what the device can hold. */
  readonly memoryLimitBytes?: number | undefined;
  /**
   * Milliseconds that in-flight work may go on after a run was stopped or has failed. Beyond it the streams that execute
   * something of it count as hung and are replaced: the run fails with DEVICE_LOST, and so do others of which these streams
   * had executed something. A host node that goes on is no longer waited for: the run fails with HOST_NODE_FAILED. A run in
   * mode `'none'` is not stopped, but may fail. Default: none.
   */
  readonly drainLimitMs?: number | undefined;
}

/** What a run does at its deadline. */
export type OnDeadline = 'reject' | 'partial';

/** Options of `executable.run`. */
export interface RunOptions<Policy extends OnDeadline = OnDeadline, Recorded extends boolean = boolean> {
  /** Stops the run when aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds from this call until the deadline; waiting counts. 0 to 2^31 − 1; 0 never dispatches. Default: none. */
  readonly timeoutMs?: number | undefined;
  /** Where the run looks for a stop. Default `'none'` without `signal` and `timeoutMs`, `'node'` with either. */
  readonly cancellation?: CancellationOption | undefined;
  /** `'reject'` (default), or `'partial'`: resolve at the deadline with the outputs computed so far. */
  readonly onDeadline?: Policy | undefined;
  /** Among waiting runs the higher goes first; equals go in order of the calls. Any finite number. Default 0. */
  readonly priority?: number | undefined;
  /** Whether to record a timeline. Default false. */
  readonly timeline?: Recorded | undefined;
}

/** Options of `engine.startTimeline`. */
export interface TimelineOptions {
  /**
   * Records kept for each stream and for the main thread, 48 bytes each; beyond it the oldest are overwritten, and counted.
   * 16 to 2^20, rounded up to a power of two less one. Default 65535.
   */
  readonly maxRecords?: number | undefined;
}

/** Options of `engine.close`. */
export interface CloseOptions {
  /** Milliseconds that runs in flight may take to finish; what is left then is given up. Default: no limit. */
  readonly withinMs?: number | undefined;
}

/** Engine options, checked and complete. */
export interface CheckedEngineOptions {
  readonly device: DeviceChoice;
  readonly streams: number;
  readonly threads: number;
  readonly runsInFlight: number;
  readonly queueLimit: number;
  readonly memoryLimitBytes: number | undefined;
  readonly drainLimitMs: number | undefined;
}

/** Run options, checked and complete. */
export interface CheckedRunOptions {
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number | undefined;
  readonly mode: CancellationMode;
  readonly partial: boolean;
  readonly priority: number;
  readonly timeline: boolean;
}

function checkInteger(
  value: unknown,
  option: string,
  least: number,
  most: number,
  otherwise: number,
): number {
  if (value === undefined) return otherwise;
  if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
    return value as number;
  throw invalid(option, `an integer from ${least} to ${most}`, value);
}

/** Workers get their options by structured clone: what cannot be cloned is found here, before any thread starts. */
function cloneOptions(options: unknown): unknown {
  try {
    return structuredClone(options);
  } catch (error) {
    const received = `something else (${messageOf(error)})`;
    throw curfewError('INVALID_OPTION', `device.options: expected plain data, received ${received}`, {
      expected: 'plain data',
      received: options,
      cause: error,
    });
  }
}

const TENSORFLOW_OPTIONS: Rules<TensorFlowOptions> = {
  queueing: optional({ expected: 'true or false', fits: (value) => typeof value === 'boolean' }),
};

function checkTensorFlowOptions(options: unknown): TensorFlowOptions {
  checkFields(options, 'tensorflow', TENSORFLOW_OPTIONS);
  return { ...(options as TensorFlowOptions) };
}

const WEBGPU_OPTIONS: Rules<WebGpuOptions> = {
  powerPreference: optional({
    expected: "'low-power' or 'high-performance'",
    fits: (value) => value === 'low-power' || value === 'high-performance',
  }),
  adapter: optional({
    expected: 'a part of the name of a GPU',
    fits: (value) => typeof value === 'string' && value !== '',
  }),
};

function checkWebGpuOptions(options: unknown): WebGpuOptions {
  checkFields(options, 'webgpu', WEBGPU_OPTIONS);
  return { ...(options as WebGpuOptions) };
}

/** @throws INVALID_OPTION for options of a device that is not the one chosen */
function checkDevice(
  { device, virtual, tensorflow, webgpu }: Record<string, unknown>,
  streams: number,
): DeviceChoice {
  if (virtual !== undefined && device !== 'virtual')
    throw invalid('virtual', "no such option unless device is 'virtual'", virtual);
  if (tensorflow !== undefined && device !== 'tensorflow')
    throw invalid('tensorflow', "no such option unless device is 'tensorflow'", tensorflow);
  if (webgpu !== undefined && device !== 'webgpu')
    throw invalid('webgpu', "no such option unless device is 'webgpu'", webgpu);
  if (device === 'virtual') return { name: 'virtual', virtual: checkVirtualOptions(virtual ?? {}, streams) };
  if (device === 'tensorflow')
    return { name: 'tensorflow', tensorflow: checkTensorFlowOptions(tensorflow ?? {}) };
  if (device === undefined || device === 'wasm') return { name: 'wasm' };
  if (device === 'webgpu') return { name: 'webgpu', webgpu: checkWebGpuOptions(webgpu ?? {}) };
  if (typeof device !== 'object' || device === null)
    throw invalid('device', "'wasm', 'tensorflow', 'webgpu', 'virtual' or { module: URL, options }", device);
  checkKeys(device, 'device', ['module', 'options']);
  const module = asUrl(device['module']);
  if (module === undefined) throw invalid('device.module', 'a URL', device['module']);
  const name = module.pathname.split('/').at(-1) || module.href;
  return { name, module, options: cloneOptions(device['options']) };
}

/** @throws INVALID_OPTION, UNSUPPORTED_OPTION */
export function checkEngineOptions(options: unknown): CheckedEngineOptions {
  checkKeys(options, 'options of createEngine', [
    'device',
    'tensorflow',
    'webgpu',
    'virtual',
    'streams',
    'threads',
    'runsInFlight',
    'queueLimit',
    'memoryLimitBytes',
    'drainLimitMs',
  ]);
  const { queueLimit, memoryLimitBytes } = options;
  const limitIsKnown = memoryLimitBytes !== undefined;
  if (limitIsKnown && !(typeof memoryLimitBytes === 'number' && memoryLimitBytes > 0)) {
    throw invalid('memoryLimitBytes', 'a number of bytes above 0', memoryLimitBytes);
  }
  const unlimited = queueLimit === Number.POSITIVE_INFINITY;
  const streams = checkInteger(options['streams'], 'streams', 1, MAX_STREAMS, 1);
  return {
    device: checkDevice(options, streams),
    drainLimitMs: checkDuration(options['drainLimitMs'], 'drainLimitMs'),
    streams,
    threads: checkInteger(options['threads'], 'threads', 1, MAX_STREAMS, 1),
    runsInFlight: checkInteger(options['runsInFlight'], 'runsInFlight', 1, MAX_RUNS_IN_FLIGHT, 2),
    queueLimit: unlimited
      ? queueLimit
      : checkInteger(queueLimit, 'queueLimit', 0, Number.MAX_SAFE_INTEGER, 1024),
    memoryLimitBytes:
      limitIsKnown && memoryLimitBytes !== Number.POSITIVE_INFINITY
        ? (memoryLimitBytes as number)
        : undefined,
  };
}

function checkDuration(ms: unknown, option: string): number | undefined {
  if (ms === undefined) return undefined;
  if (typeof ms === 'number' && ms >= 0 && ms <= MAX_TIMEOUT_MS) return ms;
  throw invalid(option, `a number of milliseconds from 0 to ${MAX_TIMEOUT_MS}`, ms);
}

/** @throws INVALID_OPTION */
export function checkTimelineOptions(options: unknown): { readonly maxRecords: number } {
  checkKeys(options, 'options of startTimeline', ['maxRecords']);
  const { maxRecords } = options;
  return { maxRecords: checkInteger(maxRecords, 'maxRecords', 16, MAX_TIMELINE_RECORDS, 2 ** 16 - 1) };
}

/** @throws INVALID_OPTION, UNSUPPORTED_OPTION */
export function checkRunOptions(options: unknown): CheckedRunOptions {
  checkKeys(options, 'options of run', [
    'signal',
    'timeoutMs',
    'cancellation',
    'onDeadline',
    'priority',
    'timeline',
  ]);
  const { signal, onDeadline = 'reject', priority = 0, timeline = false } = options;
  if (signal !== undefined && !isAbortSignal(signal)) throw invalid('signal', 'an AbortSignal', signal);
  const timeoutMs = checkDuration(options['timeoutMs'], 'timeoutMs');
  if (onDeadline !== 'reject' && onDeadline !== 'partial')
    throw invalid('onDeadline', "'reject' or 'partial'", onDeadline);
  if (typeof priority !== 'number' || !Number.isFinite(priority))
    throw invalid('priority', 'a finite number', priority);
  if (typeof timeline !== 'boolean') throw invalid('timeline', 'true or false', timeline);
  const { cancellation } = options;
  if (typeof cancellation === 'object' && cancellation !== null)
    checkKeys(cancellation, 'cancellation', ['precisionMs']);
  const mode = resolveMode(cancellation, signal !== undefined || timeoutMs !== undefined);
  return { signal, timeoutMs, mode, partial: onDeadline === 'partial', priority, timeline };
}

/** @throws INVALID_OPTION */
export function checkCloseOptions(options: unknown): CloseOptions {
  checkKeys(options, 'options of close', ['withinMs']);
  return { withinMs: checkDuration(options['withinMs'], 'withinMs') };
}
