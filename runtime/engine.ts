/** The engine: a device with its streams, the executables compiled for it, and the runs in flight. */
import type { Device } from '../scheduler/device.js';
import { curfewError, quote } from '../scheduler/errors.js';
import type { Graph } from '../scheduler/graph.js';
import type { RunReport } from '../scheduler/outcome.js';
import type { TensorSpecs } from '../scheduler/tensor.js';
import { Admission } from './admission.js';
import type { CompileOptions } from './compile-options.js';
import { type Compiled, Compiler } from './compiler.js';
import type { EngineEmitter, EngineEvents } from './events.js';
import { Exchanges } from './exchanges.js';
import { Executable } from './executable.js';
import { ExecutableRun } from './executable-run.js';
import { checkFeeds } from './feeds.js';
import type { LeaseSource } from './lease.js';
import {
  type CheckedEngineOptions,
  type CloseOptions,
  checkCloseOptions,
  checkRunOptions,
  checkTimelineOptions,
  type TimelineOptions,
} from './options.js';
import { RunRegistry } from './run-registry.js';
import type { RunResult } from './run-result.js';
import { SignalHub } from './signal-hub.js';
import { SlotTable } from './slots.js';
import { collectStats, type EngineStats, RunCounts } from './stats.js';
import type { EngineTimeline } from './timeline/engine-timeline.js';
import { Recorder } from './timeline/recorder.js';

/** Runs graphs on one device. Made by `createEngine`. */
export class Engine {
  readonly #device: Device;
  readonly #slots: SlotTable;
  readonly #admission: Admission;
  readonly #drainLimitMs: number | undefined;
  readonly #exchanges = new Exchanges();
  readonly #leases: LeaseSource;
  readonly #signals = new SignalHub();
  readonly #counts = new RunCounts();
  readonly #events: EngineEmitter;
  readonly #recorder: Recorder;
  readonly #runs = new RunRegistry();
  readonly #compiler: Compiler;
  #runNumber = 0;
  #closing: Promise<void> | undefined;
  #deviceClosing: Promise<void> | undefined;
  readonly #compiling = new Set<Promise<unknown>>();

  /** @internal */
  constructor(device: Device, options: CheckedEngineOptions, events: EngineEmitter) {
    this.#device = device;
    this.#events = events;
    this.#drainLimitMs = options.drainLimitMs;
    this.#leases = { controls: device.controls, exchanges: this.#exchanges };
    this.#compiler = new Compiler(device.streams);
    this.#recorder = new Recorder(device.clock, device.name, device.streams.length);
    this.#slots = new SlotTable(device.streams, options.runsInFlight);
    this.#admission = new Admission(this.#slots, options.queueLimit);
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
  compile<Inputs extends TensorSpecs, Outputs extends TensorSpecs>(
    graph: Graph<Inputs, Outputs>,
    options: CompileOptions = {},
  ): Promise<Executable<Inputs, Outputs>> {
    const compiling = this.#compile(graph, options).finally(() => this.#compiling.delete(compiling));
    this.#compiling.add(compiling);
    return compiling;
  }

  async #compile<Inputs extends TensorSpecs, Outputs extends TensorSpecs>(
    graph: Graph<Inputs, Outputs>,
    options: CompileOptions,
  ): Promise<Executable<Inputs, Outputs>> {
    this.#checkOpen('compile');
    const planned = this.#compiler.plan(graph, options);
    // A getter or the placement function of the caller's may have closed the engine.
    this.#checkOpen('compile');
    const compiled = await this.#compiler.load(planned);
    const { name, plan, fallbacks } = compiled;
    this.#events.emit('executable:compiled', {
      executable: name,
      nodesTotal: plan.workNodes,
      streams: plan.lanes,
      fallbacks,
    });
    return new Executable(
      { name, inputs: graph.inputs, outputs: graph.outputs, streams: plan.lanes, fallbacks },
      {
        run: (feeds, runOptions) => this.#run(compiled, feeds, runOptions),
        dispose: () => compiled.dispose(),
      },
    );
  }

  async #run(compiled: Compiled, feeds: unknown, options: unknown): Promise<RunResult> {
    const startMs = this.#device.clock.nowMs();
    this.#checkOpen('run', compiled.name);
    // Before a getter of the caller's may dispose of the executable: its programs stay for this run.
    const left = compiled.enter();
    try {
      const checkedOptions = checkRunOptions(options);
      const values = checkFeeds(compiled.plan.graph, feeds);
      // A getter may also have closed the engine, which has seen no run to wait for.
      this.#checkOpen('run', compiled.name);
      const run = this.#newRun(compiled, values, checkedOptions, startMs);
      this.#runs.add(run);
      try {
        return await run.perform();
      } finally {
        this.#runs.delete(run);
      }
    } finally {
      left();
    }
  }

  #checkOpen(call: 'compile' | 'run', name?: string): void {
    if (this.#closing === undefined) return;
    const what = name === undefined ? call : `${call} of ${quote(name)}`;
    throw curfewError('ENGINE_CLOSED', `${what}: expected an open engine, received a call after close()`);
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
        run,
        name: compiled.name,
        plan,
        program: compiled.key,
        device: this.#device.name,
        fallbacks: compiled.fallbacks,
        clock: this.#device.clock,
        leases: this.#leases,
        admission: this.#admission,
        signals: this.#signals,
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
          this.#counts.count(report, dispatched);
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

  /** Counts of runs and nodes, how late runs were and how long they waited, bytes now, streams. */
  stats(): EngineStats {
    return collectStats({
      counts: this.#counts,
      queued: this.#admission.queued,
      exchange: this.#exchanges.bytes,
      watchdog: this.#device.hasWatchdog(),
      streams: this.#device.streams,
      inFlightOf: (stream) => this.#slots.inFlight(stream),
    });
  }

  /**
   * Resolves when no run waits or is in flight and all that runs held has been given back; within a turn of the event loop
   * when that is so already. Runs that are called meanwhile count, too.
   */
  async onIdle(): Promise<void> {
    await this.#admission.onIdle();
  }

  /**
   * Resolves when fewer than `limit` runs wait: back-pressure without polling. Several callers are let through one after
   * the other, so that each can call `run()`.
   *
   * @param limit 1 or more
   * @throws INVALID_OPTION, within the call
   * @example
   * for await (const pixels of images) {
   *   await engine.onQueuedBelow(16);
   *   void classify.run({ x: pixels }).then(show);
   * }
   */
  onQueuedBelow(limit: number): Promise<void> {
    return this.#admission.onQueuedBelow(limit);
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
    this.#admission.serve();
  }

  /** Serves waiting runs after a stream came back or broke. @internal */
  onStreamChange(): void {
    this.#admission.serve();
  }

  /**
   * Drains: runs in flight finish, waiting runs reject with ENGINE_CLOSED, then the streams end. Every call returns the
   * same promise. A host node or a kernel that never ends holds it for ever, unless `withinMs` is given: what is still in
   * flight then is given up, as `destroy()` does.
   *
   * @throws INVALID_OPTION, within the call
   * @example await engine.close({ withinMs: 5000 });
   */
  close(options: CloseOptions = {}): Promise<void> {
    const { withinMs } = checkCloseOptions(options);
    const closing = this.#beginClosing();
    if (withinMs !== undefined) {
      const cancel = this.#device.clock.setTimer(withinMs, () => this.#abandonAll(), true);
      closing.then(cancel, cancel);
    }
    return closing;
  }

  /**
   * Ends everything now: waiting runs and runs in flight reject with ENGINE_CLOSED, streams end in the middle of what
   * they do, host nodes are not waited for (their signal aborts). Resolves when the threads have ended.
   */
  destroy(): Promise<void> {
    const closing = this.#beginClosing();
    this.#abandonAll();
    return closing;
  }

  #beginClosing(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const error = curfewError('ENGINE_CLOSED', 'the engine was closed while the run was waiting');
    // That a compilation under way ends by this is no rejection that somebody forgot to handle.
    for (const compiling of this.#compiling) compiling.catch(() => undefined);
    // Otherwise the place of one that gives up would go to the next.
    this.#admission.close();
    for (const run of this.#runs.all) run.giveUp(error);
    await this.#runs.onIdle();
    await this.#closeDevice();
  }

  #closeDevice(): Promise<void> {
    this.#deviceClosing ??= this.#device.close();
    return this.#deviceClosing;
  }

  #abandonAll(): void {
    const error = curfewError('ENGINE_CLOSED', 'the engine was closed while the run was in flight');
    for (const run of this.#runs.all) run.abandon(error);
    // A stream that hangs may still hold something that a run waits for: that is over once the stream is.
    this.#closeDevice().catch(() => undefined);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
