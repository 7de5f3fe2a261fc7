/** One engine on a simulated device whose clock the simulation drives, with a monitor in between. */
import { getEventListeners } from 'node:events';
import type { VirtualLogEntry } from '../../kernels/virtual/options.js';
import { VirtualClock } from '../../kernels/virtual/virtual-clock.js';
import { createVirtualDevice } from '../../kernels/virtual/virtual-device.js';
import { createEngineOn } from '../../runtime/create-engine.js';
import type { Engine } from '../../runtime/engine.js';
import type { Executable } from '../../runtime/executable.js';
import type { RunResult } from '../../runtime/run-result.js';
import type { Device, DeviceStream } from '../../scheduler/device.js';
import { CurfewError } from '../../scheduler/errors.js';
import type { RunReport } from '../../scheduler/outcome.js';
import { advanceUntil } from './advance.js';
import { buildGraph, feedsOf, type HostBehaviour } from './build-graph.js';
import { Monitor } from './monitor.js';
import type { GraphSpec, HostSpec, RunSpec, Scenario, WorldSpec } from './scenario.js';
import { watchDevice } from './watched-device.js';
import { WatchedRun } from './watched-run.js';

const LOOK_AGAIN_MS = 0.1;

function reportOf(error: unknown): RunReport | undefined {
  return error instanceof CurfewError && 'report' in error ? (error.report as RunReport) : undefined;
}

export class World {
  readonly clock: VirtualClock;
  readonly engine: Engine;
  readonly monitor: Monitor;
  readonly #device: Device;
  readonly #signals: AbortSignal[] = [];
  readonly #hostFailures = new Map<string, number>();

  private constructor(clock: VirtualClock, engine: Engine, monitor: Monitor, device: Device) {
    this.clock = clock;
    this.#device = device;
    this.engine = engine;
    this.monitor = monitor;
    engine.on('run:queued', ({ run }) => monitor.onQueued(run));
    engine.on('run:dispatched', ({ run }) => monitor.onDispatched(run));
    engine.on('run:settled', (report) => monitor.onSettled(report));
    engine.on('stream:replaced', ({ stream }) => monitor.note(`stream ${stream} replaced`));
  }

  /** Starts the engine. `kernelMs` gives each kernel node's duration. */
  static async open(spec: WorldSpec, kernelMs: (node: string) => number, keepsLog: boolean): Promise<World> {
    const clock = new VirtualClock('caller');
    const monitor = new Monitor(clock, keepsLog);
    const { streams, runsInFlight, drainLimitMs, seed, profile, jitter, faults } = spec;
    const virtual = {
      seed,
      profile,
      jitter,
      faults,
      compute: true,
      kernelMs: ({ name }: { readonly name: string }) => kernelMs(name),
      log: (entry: VirtualLogEntry) => monitor.onDevice(entry),
    };
    let device: Device | undefined;
    const engine = createEngineOn(
      { device: 'virtual', streams, runsInFlight, drainLimitMs },
      clock,
      async (_, options) => {
        device = watchDevice(await createVirtualDevice(options, virtual, clock), monitor);
        return device;
      },
    );
    return new World(clock, await advanceUntil(clock, monitor, engine), monitor, device!);
  }

  get streams(): readonly DeviceStream[] {
    return this.#device.streams;
  }

  /** Streams that will not come back. */
  get brokenStreams(): number {
    return this.#device.streams.filter(({ broken }) => broken !== undefined).length;
  }

  /** Resolves once each stream serves or is broken. */
  streamsReady(): Promise<void> {
    return this.#when(() =>
      this.#device.streams.every(({ available, broken }) => available || broken !== undefined),
    );
  }

  /** Resolves once all places are free: a stopped run may have left something on a stream that was busy with another. */
  placesFree(): Promise<void> {
    return this.#when(() => this.engine.stats().streams.every(({ inFlight }) => inFlight === 0));
  }

  #when(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (condition()) resolve();
        else this.clock.setTimer(LOOK_AGAIN_MS, look);
      };
      look();
    });
  }

  /** Lets virtual time go on until the promise settles. @throws a broken rule; or that nothing is left to happen */
  until<Result>(promise: Promise<Result>): Promise<Result> {
    return advanceUntil(this.clock, this.monitor, promise);
  }

  compile(graph: GraphSpec, placement: Scenario['placement']): Promise<Executable> {
    const lanes = new Map(graph.nodes.map((node) => [node.name, node.kind === 'kernel' ? node.lane : 0]));
    const compiled = this.engine.compile(buildGraph(graph, this.#behave), {
      placement: placement === 'given' ? ({ name }) => lanes.get(name)! : placement,
    });
    return this.until(compiled);
  }

  /** Calls `run()` now and aborts when the spec says. Resolves, when the run has settled, with what was seen of it. */
  start(name: string, executable: Executable, spec: RunSpec): Promise<WatchedRun> {
    const run = new WatchedRun(name, spec, this.clock.nowMs());
    const controller = new AbortController();
    const { abortMs, mode, timeoutMs, partial, priority, timeline } = spec;
    if (abortMs !== undefined) {
      this.#signals.push(controller.signal);
      this.clock.setTimer(abortMs, () => {
        run.abortStep = this.monitor.step;
        run.abortedMs = this.clock.nowMs();
        this.monitor.note(`${name} abort`);
        controller.abort(new Error('simulated abort'));
      });
    }
    this.monitor.calling = run;
    const result = executable.run(feedsOf(spec.feed), {
      cancellation: mode,
      timeoutMs,
      signal: abortMs === undefined ? undefined : controller.signal,
      onDeadline: partial ? 'partial' : 'reject',
      priority,
      timeline,
    });
    this.monitor.calling = undefined;
    return result.then(
      (value) => this.#settled(run, value, undefined),
      (error: unknown) => this.#settled(run, undefined, error),
    );
  }

  /** What must be true when no run is in flight. @throws the first broken rule */
  async checkIdle(): Promise<void> {
    await this.until(this.placesFree());
    const { runs, bytes, streams } = this.engine.stats();
    const left = {
      queued: runs.queued,
      inFlight: runs.inFlight,
      'bytes live': bytes.live,
      'slots taken': streams.reduce((sum, { inFlight }) => sum + inFlight, 0),
      'abort listeners': this.#signals.reduce(
        (sum, signal) => sum + getEventListeners(signal, 'abort').length,
        0,
      ),
    };
    for (const [what, count] of Object.entries(left)) {
      if (count !== 0) throw new Error(`no ${what} once every run has settled: found ${count}`);
    }
    const settled = runs.completed + runs.aborted + runs.deadlineExceeded + runs.failed;
    if (settled !== this.monitor.reports.size) throw new Error('every run is counted once');
  }

  #settled(run: WatchedRun, result: RunResult | undefined, error: unknown): WatchedRun {
    const report = result?.report ?? reportOf(error);
    if (run.settlement !== undefined) this.monitor.violate(`${run.name} settles once`);
    if (report !== undefined && !this.monitor.reports.has(report))
      this.monitor.violate(`${run.name} settles after its event`);
    run.settlement = {
      report,
      outputs: result?.outputs,
      error,
      atMs: this.clock.nowMs(),
      step: this.monitor.step,
    };
    this.monitor.note(`${run.name} ${report?.outcome ?? 'rejected'}`);
    return run;
  }

  #behave: HostBehaviour = async (spec, { signal }) => {
    const run = this.monitor.current!;
    this.monitor.onUnit(run, `host node ${spec.name}`);
    await this.clock.sleep(spec.durationMs, spec.stops ? signal : undefined);
    this.monitor.current = run;
    if (spec.stops && signal.aborted) throw signal.reason;
    if (this.#hostFails(spec)) {
      this.monitor.onFailure(run, 'HOST_NODE_FAILED');
      throw new Error('simulated failure of a host node');
    }
    run.ended.add(spec.name);
  };

  #hostFails({ name, failures }: HostSpec): boolean {
    const failed = this.#hostFailures.get(name) ?? 0;
    if (failed >= failures) return false;
    this.#hostFailures.set(name, failed + 1);
    return true;
  }
}
