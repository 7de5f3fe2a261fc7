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
import type { Tensor } from '../../scheduler/tensor.js';
import { refuseMemory } from '../support/failing-memory.js';
import { advanceUntil } from './advance.js';
import { buildGraph, feedsOf, type HostBehaviour } from './build-graph.js';
import type { EarlyEnd, GoneFeed, MainFaults } from './main-fault.js';
import { Monitor } from './monitor.js';
import type { GraphSpec, HostSpec, RunSpec, Scenario } from './scenario.js';
import { watchDevice } from './watched-device.js';
import { WatchedRun } from './watched-run.js';

const LOOK_AGAIN_MS = 0.1;

/** A host node that takes as long never ends. */
const FOR_EVER_MS = 1e9;

/** What listeners throw. */
export const LISTENER_ERROR = new Error('simulated failure of a listener');

/** What no graph promises. */
const GARBAGE = Object.freeze({ sum: Object.freeze({ dtype: 'float32', shape: [3], data: null }), first: 5 });

function reportOf(error: unknown): RunReport | undefined {
  return error instanceof CurfewError && 'report' in error ? (error.report as RunReport) : undefined;
}

export class World {
  readonly clock: VirtualClock;
  readonly engine: Engine;
  readonly monitor: Monitor;
  readonly #device: Device;
  readonly #main: MainFaults;
  readonly #signals: AbortSignal[] = [];
  /** Called inside some listeners. */
  onCallback: (() => void) | undefined;
  /** Allocations that failed. */
  refused = 0;
  /** Whether the engine was closed before its time. */
  ended = false;
  #oddHostCalled = false;
  readonly #hostFailures = new Map<string, number>();

  private constructor(
    clock: VirtualClock,
    engine: Engine,
    monitor: Monitor,
    device: Device,
    main: MainFaults,
  ) {
    this.clock = clock;
    this.#device = device;
    this.engine = engine;
    this.monitor = monitor;
    engine.on('run:queued', ({ run }) => monitor.onQueued(run));
    engine.on('run:dispatched', ({ run }) => monitor.onDispatched(run));
    engine.on('run:settled', (report) => monitor.onSettled(report));
    engine.on('stream:replaced', ({ stream }) => monitor.note(`stream ${stream} replaced`));
    this.#main = main;
    this.#listen();
  }

  /** Listeners behind the monitor's: some call `run()`, some throw. */
  #listen(): void {
    let events = 0;
    const onEvent = () => {
      const event = events++;
      if (this.#main.runsAfterEvents.has(event)) this.onCallback?.();
      if (this.#main.throwingListeners) throw LISTENER_ERROR;
    };
    for (const name of ['run:queued', 'run:dispatched', 'run:settled', 'stream:replaced'] as const)
      this.engine.on(name, onEvent);
  }

  /** Lets allocations fail from now on. The function returned ends it. */
  refuseAllocations(): () => void {
    let count = 0;
    return refuseMemory(() => {
      const refuses = this.#main.refusedAllocations.has(count++);
      if (refuses) {
        this.refused++;
        this.monitor.note('allocation refused');
      }
      return refuses;
    });
  }

  /** Closes the engine as the scenario says. */
  end({ how, withinMs }: EarlyEnd): Promise<void> {
    this.ended = true;
    this.monitor.note(how);
    return how === 'destroy' ? this.engine.destroy() : this.engine.close({ withinMs });
  }

  /** Starts the engine. `kernelMs` gives each kernel node's duration. */
  static async open(
    { world: spec, main }: Pick<Scenario, 'world' | 'main'>,
    kernelMs: (node: string) => number,
    keepsLog: boolean,
  ): Promise<World> {
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
    return new World(clock, await advanceUntil(clock, monitor, engine), monitor, device!, main);
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
  start(name: string, executable: Executable, spec: RunSpec, gone?: GoneFeed): Promise<WatchedRun> {
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
    const feeds = feedsOf(spec.feed);
    if (gone !== undefined) this.#transferLater(run, feeds['x']!, gone.afterMs);
    // It may be called inside a listener, while another run is being called or dispatched.
    const { calling, current } = this.monitor;
    this.monitor.calling = run;
    const result = executable.run(feeds, {
      cancellation: mode,
      timeoutMs,
      signal: abortMs === undefined ? undefined : controller.signal,
      onDeadline: partial ? 'partial' : 'reject',
      priority,
      timeline,
    });
    this.monitor.calling = calling;
    this.monitor.current = current;
    return result.then(
      (value) => this.#settled(run, value, undefined),
      (error: unknown) => this.#settled(run, undefined, error),
    );
  }

  #transferLater(run: WatchedRun, { data }: Tensor, afterMs: number): void {
    this.clock.setTimer(afterMs, () => {
      run.feedGone = true;
      structuredClone(data, { transfer: [data.buffer as ArrayBuffer] });
    });
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
    const code = error instanceof CurfewError ? ` ${error.code}` : '';
    this.monitor.note(`${run.name} ${report?.outcome ?? 'rejected'}${code}`);
    return run;
  }

  #behave: HostBehaviour = async (spec, { signal }) => {
    const run = this.monitor.current!;
    this.monitor.onUnit(run, `host node ${spec.name}`);
    const odd = this.#oddityOf(spec);
    if (odd === 'hangs') {
      run.mayHang = true;
      await this.clock.sleep(FOR_EVER_MS);
    }
    await this.clock.sleep(spec.durationMs, spec.stops ? signal : undefined);
    this.monitor.current = run;
    if (spec.stops && signal.aborted) throw signal.reason;
    if (this.#hostFails(spec)) {
      this.monitor.onFailure(run, 'HOST_NODE_FAILED');
      throw new Error('simulated failure of a host node');
    }
    if (odd === 'garbage') {
      this.monitor.onFailure(run, 'HOST_NODE_FAILED');
      return GARBAGE;
    }
    run.ended.add(spec.name);
    return undefined;
  };

  #oddityOf({ name }: HostSpec): 'garbage' | 'hangs' | undefined {
    if (name !== this.#main.oddHost?.name || this.#oddHostCalled) return undefined;
    this.#oddHostCalled = true;
    return this.#main.oddHost.how;
  }

  #hostFails({ name, failures }: HostSpec): boolean {
    const failed = this.#hostFailures.get(name) ?? 0;
    if (failed >= failures) return false;
    this.#hostFailures.set(name, failed + 1);
    return true;
  }
}
