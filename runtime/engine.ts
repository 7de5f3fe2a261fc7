/** The engine: a device with its streams, the executables compiled for it, and the runs in flight. */
import { createDevice } from '../kernels/devices.js';
import { isGraph } from '../scheduler/check.js';
import { type Clock, createSystemClock } from '../scheduler/clock.js';
import type { Device, DeviceStream, Fallback } from '../scheduler/device.js';
import { type CurfewError, curfewError, quote } from '../scheduler/errors.js';
import type { Graph } from '../scheduler/graph.js';
import type { RunReport } from '../scheduler/outcome.js';
import type { Placement } from '../scheduler/placement.js';
import { writeConstants } from '../scheduler/plan/constants.js';
import type { Plan } from '../scheduler/plan.js';
import { planGraph } from '../scheduler/plan-graph.js';
import type { ProgramKey } from '../scheduler/stream.js';
import type { TensorSpecs } from '../scheduler/tensor.js';
import { Admission } from './admission.js';
import { EngineEmitter, type EngineEvents } from './events.js';
import { Exchanges } from './exchanges.js';
import { Executable } from './executable.js';
import { ExecutableRun } from './executable-run.js';
import { checkFeeds } from './feeds.js';
import {
  type CheckedEngineOptions,
  checkEngineOptions,
  checkRunOptions,
  checkTimelineOptions,
  type EngineOptions,
  type TimelineOptions,
} from './options.js';
import type { RunResult } from './run-result.js';
import { SlotTable } from './slots.js';
import { collectStats, type EngineStats, RunCounts } from './stats.js';
import type { EngineTimeline } from './timeline/engine-timeline.js';
import { Recorder } from './timeline/recorder.js';

/** Options of `engine.compile`. */
export interface CompileOptions {
  /** Name in reports, events and timelines. Default `'graph'`. */
  readonly name?: string | undefined;
  /**
   * `'single'` (default): each run stays on one stream, runs spread over streams. `'automatic'`: nodes spread over the
   * engine's streams where costs and transfers make that worth it. A function gives each kernel node its stream.
   */
  readonly placement?: Placement | undefined;
}

/** A compiled graph as the engine keeps it. */
interface Compiled {
  readonly name: string;
  readonly plan: Plan;
  readonly key: ProgramKey;
  readonly streams: readonly DeviceStream[];
  activeRuns: number;
  disposed: boolean;
}

function engineClosed(what: string): CurfewError {
  return curfewError('ENGINE_CLOSED', `${what}: expected an open engine, received a call after close()`);
}

/** Runs graphs on one device. Made by `createEngine`. */
export class Engine {
  readonly #device: Device;
  readonly #slots: SlotTable;
  readonly #admission: Admission;
  readonly #drainLimitMs: number | undefined;
  readonly #exchanges = new Exchanges();
  readonly #counts = new RunCounts();
  readonly #events: EngineEmitter;
  readonly #recorder: Recorder;
  readonly #runs = new Set<ExecutableRun>();
  readonly #settling = new Set<Promise<unknown>>();
  #nextKey: ProgramKey = 0;
  #runNumber = 0;
  #closing: Promise<void> | undefined;

  /** @internal */
  constructor(device: Device, options: CheckedEngineOptions, events: EngineEmitter) {
    this.#device = device;
    this.#events = events;
    this.#drainLimitMs = options.drainLimitMs;
    this.#recorder = new Recorder(device.clock, device.name, device.streams.length);
    this.#slots = new SlotTable(device.streams, options.runsInFlight);
    this.#admission = new Admission(this.#slots, options.streams * options.runsInFlight, options.queueLimit);
  }

  /** Name of the device. */
  get device(): string {
    return this.#device.name;
  }

  /**
   * Compiles a graph: plans it, sends its programs to the streams and its constants to their memory.
   *
   * @throws INVALID_GRAPH when `graph` was not made by `trace`, `GraphBuilder` or an importer; UNSUPPORTED_OP naming the
   *   node; INVALID_PLACEMENT, INVALID_OPTION, LIMIT_EXCEEDED, OUT_OF_MEMORY (constants), DEVICE_LOST, ENGINE_CLOSED
   * @example const classify = await engine.compile(graph, { name: 'classify' });
   */
  async compile<Inputs extends TensorSpecs, Outputs extends TensorSpecs>(
    graph: Graph<Inputs, Outputs>,
    options: CompileOptions = {},
  ): Promise<Executable<Inputs, Outputs>> {
    if (this.#closing !== undefined) throw engineClosed('compile');
    if (!isGraph(graph)) {
      throw curfewError(
        'INVALID_GRAPH',
        `compile: expected a graph made by trace() or GraphBuilder, received ${quote(graph)}`,
        {
          expected: 'graph',
          received: graph,
        },
      );
    }
    const { name, placement } = checkCompileOptions(options);
    const plan = planGraph(graph, { streams: this.#device.streams.length, placement });
    const key = this.#nextKey++;
    const streams = plan.lanes === 1 ? this.#device.streams : this.#device.streams.slice(0, plan.lanes);
    const fallbacks = await this.#load(plan, key, streams);
    const compiled: Compiled = { name, plan, key, streams, activeRuns: 0, disposed: false };
    return new Executable(
      { name, inputs: graph.inputs, outputs: graph.outputs, streams: plan.lanes, fallbacks },
      {
        run: (feeds, runOptions) => this.#run(compiled, feeds, runOptions),
        dispose: () => {
          compiled.disposed = true;
          this.#unloadIfUnused(compiled);
        },
      },
    );
  }

  /** All or nothing: when one stream cannot take its program, none keeps one. */
  async #load(plan: Plan, key: ProgramKey, streams: readonly DeviceStream[]): Promise<readonly Fallback[]> {
    const constants = new SharedArrayBuffer(plan.constantBytes);
    writeConstants(plan.graph, new Uint8Array(constants));
    const loads = streams.map((stream, lane) =>
      stream.load(key, plan.programs[plan.lanes === 1 ? 0 : lane]!, constants),
    );
    const results = await Promise.allSettled(loads);
    const failure = results.find((result) => result.status === 'rejected');
    if (failure !== undefined) {
      for (const stream of streams) stream.unload(key);
      throw failure.reason;
    }
    const lanes = results.map((result) => (result.status === 'fulfilled' ? result.value : []));
    return plan.lanes === 1 ? lanes[0]! : lanes.flat();
  }

  #unloadIfUnused(compiled: Compiled): void {
    if (!compiled.disposed || compiled.activeRuns > 0 || this.#closing !== undefined) return;
    for (const stream of compiled.streams) stream.unload(compiled.key);
  }

  async #run(compiled: Compiled, feeds: unknown, options: unknown): Promise<RunResult> {
    const startMs = this.#device.clock.nowMs();
    if (this.#closing !== undefined) throw engineClosed(`run of ${quote(compiled.name)}`);
    const checkedOptions = checkRunOptions(options);
    const values = checkFeeds(compiled.plan.graph, feeds);
    const run = this.#newRun(compiled, values, checkedOptions, startMs);
    compiled.activeRuns++;
    this.#runs.add(run);
    const result = run.perform();
    const settled = result.then(
      () => undefined,
      () => undefined,
    );
    this.#settling.add(settled);
    try {
      return await result;
    } finally {
      this.#settling.delete(settled);
      this.#runs.delete(run);
      compiled.activeRuns--;
      this.#unloadIfUnused(compiled);
    }
  }

  #newRun(
    compiled: Compiled,
    values: ReturnType<typeof checkFeeds>,
    options: ReturnType<typeof checkRunOptions>,
    startMs: number,
  ): ExecutableRun {
    const run = ++this.#runNumber;
    const info = Object.freeze({ run, executable: compiled.name });
    const { plan } = compiled;
    let dispatched = false;
    return new ExecutableRun(
      {
        name: compiled.name,
        plan,
        program: compiled.key,
        device: this.#device.name,
        clock: this.#device.clock,
        controls: this.#device.controls,
        admission: this.#admission,
        exchanges: this.#exchanges,
        drainLimitMs: this.#drainLimitMs,
        recording: this.#recorder.begin({ run, plan, startMs, own: options.timeline }),
        onQueued: () => this.#events.emit('run:queued', info),
        onDispatched: () => {
          dispatched = true;
          this.#counts.inFlight++;
          this.#events.emit('run:dispatched', info);
        },
        onSettled: (report: RunReport) => {
          if (dispatched) this.#counts.inFlight--;
          this.#counts.count(report);
          this.#events.emit('run:settled', report);
        },
      },
      values,
      options,
      startMs,
    );
  }

  /** Adds a listener; see `EngineEvents`. */
  on<Name extends keyof EngineEvents>(name: Name, listener: (...args: EngineEvents[Name]) => void): this {
    this.#events.on(name, listener as never);
    return this;
  }

  /** Removes a listener. */
  off<Name extends keyof EngineEvents>(name: Name, listener: (...args: EngineEvents[Name]) => void): this {
    this.#events.off(name, listener as never);
    return this;
  }

  /** Counts of runs and nodes, bytes now, streams. */
  stats(): EngineStats {
    return collectStats(
      this.#counts,
      this.#admission.queued,
      this.#exchanges.liveBytes,
      this.#device.streams,
      (stream) => this.#slots.inFlight(stream),
    );
  }

  /**
   * Begins to record all runs called from now on, whatever their own `timeline` option says.
   *
   * @throws TIMELINE_STATE when a timeline is being recorded; INVALID_OPTION
   * @example engine.startTimeline({ maxRecords: 100_000 });
   */
  startTimeline(options: TimelineOptions = {}): void {
    this.#recorder.start(checkTimelineOptions(options).maxRecords);
  }

  /**
   * Ends the recording and returns the runs that have settled meanwhile.
   *
   * @throws TIMELINE_STATE when none is being recorded
   * @example console.log(engine.stopTimeline().summary().text);
   */
  stopTimeline(): EngineTimeline {
    return this.#recorder.stop();
  }

  /** A stream died or was retired. @internal */
  onStreamReplaced(stream: number, reason: Error): void {
    this.#recorder.streamReplaced(stream);
    this.#events.emit('stream:replaced', { stream, reason });
  }

  /** Serves waiting runs after a stream came back or broke. @internal */
  onStreamChange(): void {
    this.#slots.serve();
  }

  /**
   * Drains: runs in flight finish, waiting runs reject with ENGINE_CLOSED, then the streams end. Every call returns the
   * same promise.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const run of this.#runs)
      run.giveUp(curfewError('ENGINE_CLOSED', 'run: the engine was closed while the run was waiting'));
    await Promise.all(this.#settling);
    await this.#device.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function checkCompileOptions(options: unknown): { name: string; placement: Placement } {
  const invalid = (what: string, expected: string, received: unknown) =>
    curfewError('INVALID_OPTION', `${what}: expected ${expected}, received ${quote(received)}`, {
      expected,
      received,
    });
  if (typeof options !== 'object' || options === null)
    throw invalid('options of compile', 'an object', options);
  const { name = 'graph', placement = 'single', ...rest } = options as Record<string, unknown>;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) throw invalid('options of compile', 'only the options name, placement', unknown);
  if (typeof name !== 'string' || name === '') throw invalid('name', 'a non-empty string', name);
  if (placement !== 'single' && placement !== 'automatic' && typeof placement !== 'function') {
    throw invalid('placement', "'single', 'automatic' or a function", placement);
  }
  return { name, placement: placement as Placement };
}

/**
 * Starts a device and its streams.
 *
 * @throws INVALID_OPTION, UNSUPPORTED_OPTION for what is wrong with the options; DEVICE_UNAVAILABLE when the device
 *   cannot run on this machine
 * @example
 * const engine = await createEngine({ streams: 2 });
 * try { … } finally { await engine.close(); }
 */
export function createEngine(options: EngineOptions = {}): Promise<Engine> {
  return createEngineWithClock(options, createSystemClock());
}

/** The same with a clock of the caller's, which counts and controls what the main thread reads. */
export function createEngineWithClock(options: EngineOptions, clock: Clock): Promise<Engine> {
  return createEngineOn(options, clock, createDevice);
}

/** The same on a device that the caller starts, which may stand between the engine and a device of Curfew's. */
export async function createEngineOn(
  options: EngineOptions,
  clock: Clock,
  startDevice: typeof createDevice,
): Promise<Engine> {
  const checked = checkEngineOptions(options);
  const events = new EngineEmitter();
  let engine: Engine | undefined;
  const device = await startDevice(checked.device, {
    streams: checked.streams,
    threads: checked.threads,
    slots: checked.streams * checked.runsInFlight,
    memoryLimitBytes: checked.memoryLimitBytes,
    clock,
    events: {
      onStreamChange: () => engine?.onStreamChange(),
      onStreamReplaced: (stream, reason) => engine?.onStreamReplaced(stream, reason),
    },
  });
  engine = new Engine(device, checked, events);
  return engine;
}
