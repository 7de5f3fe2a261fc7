/** Dispatches one run of a plan: the loop over pending counts and ready units, driven by device events. */
import { isStopped, RUN_STATE } from './cancellation.js';
import type { DispatchRequest, DispatchResult, HostResult } from './dispatch.js';
import { Drain } from './drain.js';
import { CurfewError, curfewError, fromErrorRecord, invariant } from './errors.js';
import type { HostNode, NodeId } from './graph.js';
import { MainValues } from './main-values.js';
import type { Unit } from './plan.js';
import { ReadyUnits } from './ready-units.js';
import type { Leaving, Stream, StreamEvent } from './stream.js';
import type { TimelineTarget } from './stream-timeline.js';
import type { TensorData } from './tensor.js';
import { RECORD_KIND } from './timeline-record.js';

/** A run being dispatched. */
export interface Dispatch {
  /**
   * Resolves when everything in flight has ended. Rejects only with INTERNAL, and then streams may still hold something
   * of the run.
   */
  readonly result: Promise<DispatchResult>;
  /** Begins, unless the run was given up before. Called once. */
  start(): void;
  /**
   * Stops the run at its next cancellation point; mode `'none'` has none. Host nodes are told, with `reason`; segments
   * that no stream has begun are taken back; what does not end within `drainLimitMs` is given up.
   *
   * @param state one of the stopping states of `RUN_STATE`
   */
  stop(state: number, reason?: unknown): void;
  /** Gives up at once on whatever is in flight: streams that execute something of the run are replaced. */
  abandon(error: CurfewError): void;
}

/** The mutable state of one run. */
class RunDispatch implements Dispatch {
  readonly #request: DispatchRequest;
  readonly #units: ReadyUnits;
  readonly #drain: Drain;
  readonly #values: MainValues;
  readonly #inFlightOfLane: number[];
  readonly #hostsInFlight = new Set<NodeId>();
  /** Streams that know of the run. */
  readonly #opened: Stream[] = [];
  readonly result: Promise<DispatchResult>;
  #finished!: (result: DispatchResult) => void;
  #broken!: (error: unknown) => void;
  /** Aborts to tell host nodes of a stop. Most runs have none. */
  #stopHosts: AbortController | undefined;
  #inFlight = 0;
  #unitsEnded = 0;
  #nodesCompleted = 0;
  #error: CurfewError | undefined;
  #stopped = false;
  #stoppedBefore: NodeId | undefined;
  #deviceEndedMs: number | undefined;
  #phase: 'dispatching' | 'closing' | 'broken' = 'dispatching';

  constructor(request: DispatchRequest) {
    this.#request = request;
    this.result = new Promise((resolve, reject) => {
      this.#finished = resolve;
      this.#broken = reject;
    });
    this.#values = new MainValues(request.plan, request.lease.exchange);
    this.#units = new ReadyUnits(request.plan);
    this.#inFlightOfLane = request.lease.streams.map(() => 0);
    this.#drain = new Drain({
      clock: request.clock,
      timeline: request.timeline,
      limitMs: request.drainLimitMs,
      onLimit: (limitMs) => this.#guard(() => this.#giveUpDrain(limitMs)),
    });
  }

  start(): void {
    this.#guard(() => {
      if (this.#phase !== 'dispatching') return;
      const targets = this.#attempt(() => this.#prepare());
      if (targets !== undefined) this.#open(targets);
      this.#dispatch();
    });
  }

  /** What can fail for want of memory, or because a feed is gone, does so before any stream knows of the run. */
  #prepare(): readonly (TimelineTarget | undefined)[] {
    const { lease, timeline } = this.#request;
    const targets = lease.streams.map(({ index }, lane) => timeline?.target(lane, index));
    this.#provideFeeds();
    return targets;
  }

  /** Does what may fail by no fault of Curfew's. A failure is the run's, and gives `undefined`. */
  #attempt<Result>(step: () => Result): Result | undefined {
    try {
      return step();
    } catch (error) {
      if (!(error instanceof CurfewError) || error.code === 'INTERNAL') throw error;
      this.#fail(error);
      return undefined;
    }
  }

  #open(targets: readonly (TimelineTarget | undefined)[]): void {
    const { lease, program, mode } = this.#request;
    for (const [lane, stream] of lease.streams.entries()) {
      this.#opened.push(stream);
      stream.open({
        slot: lease.slot,
        program: program + lane,
        mode,
        timeline: targets[lane],
        onEvent: (event) => this.#guard(() => this.#onEvent(lane, event)),
      });
    }
  }

  stop(state: number, reason?: unknown): void {
    if (this.#request.mode.kind === 'none') return;
    this.#guard(() => this.#endEarly(state, reason));
  }

  /** Stopped or failed: what has not begun does not begin, and what is in flight ends as soon as it can. */
  #endEarly(state: number, reason: unknown): void {
    if (this.#phase !== 'dispatching') return;
    const { lease } = this.#request;
    this.#drain.begin();
    lease.stop(state);
    // Host nodes listen to it, and may give up or close the engine within the call.
    this.#stopHosts?.abort(reason);
    for (const stream of lease.streams) stream.takeBack(lease.slot);
  }

  abandon(error: CurfewError): void {
    this.#guard(() => {
      if (this.#phase !== 'dispatching') return;
      const { lease } = this.#request;
      this.#stopHosts?.abort(error);
      this.#fail(error);
      for (const stream of lease.streams) stream.abandon(lease.slot, error);
      this.#inFlight -= this.#hostsInFlight.size;
      this.#hostsInFlight.clear();
      this.#dispatch();
    });
  }

  #giveUpDrain(drainLimitMs: number): void {
    if (this.#phase !== 'dispatching') return;
    const { lease, plan } = this.#request;
    const why = `went on for more than ${drainLimitMs} ms (drainLimitMs) after a stop`;
    const [host] = this.#hostsInFlight;
    if (host !== undefined) {
      const { name } = plan.graph.nodes[host]!;
      this.abandon(curfewError('HOST_NODE_FAILED', `host node "${name}" ${why}`, { node: name }));
      return;
    }
    for (const stream of lease.streams) stream.abandon(lease.slot, new Error(`in-flight work ${why}`));
  }

  #provideFeeds(): void {
    const { feeds, timeline } = this.#request;
    const startMs = timeline?.nowMs() ?? 0;
    const bytes = this.#values.provideFeeds(feeds);
    timeline?.span(RECORD_KIND.feeds, 0, startMs, bytes);
  }

  /** An exception in here is a bug of Curfew; it must surface as a rejection, not as an uncaught exception. */
  #guard(step: () => void): void {
    if (this.#phase === 'broken') return;
    try {
      step();
    } catch (error) {
      this.#phase = 'broken';
      this.#drain.end();
      this.#stopHosts?.abort(error);
      this.#broken(error);
    }
  }

  /** The dispatch loop: submits every ready unit, and ends the run once nothing is in flight. */
  #dispatch(): void {
    const { lease, mode } = this.#request;
    const checks = mode.kind !== 'none';
    while (!this.#units.isEmpty && this.#error === undefined) {
      if (checks && !this.#stopped && isStopped(lease.control)) this.#stopHere();
      if (this.#stopped) break;
      const unit = this.#units.take();
      if (unit.kind === 'segment') this.#submit(unit);
      else this.#startHost(unit.node);
    }
    if (this.#inFlight === 0 && this.#phase === 'dispatching') this.#finish();
  }

  /** This is a cancellation point, too. */
  #stopHere(): void {
    this.#stopped = true;
    this.#request.timeline?.stopBefore(this.#nextNode ?? -1);
  }

  #submit(unit: Unit & { kind: 'segment' }): void {
    this.#inFlight++;
    this.#inFlightOfLane[unit.lane]!++;
    const { timeline, lease } = this.#request;
    const startMs = timeline?.nowMs() ?? 0;
    lease.streams[unit.lane]!.submit(lease.slot, unit.segment);
    timeline?.span(RECORD_KIND.dispatch, unit.index, startMs);
    this.#units.onSubmission(unit.index);
  }

  #startHost(node: HostNode): void {
    const inputs = this.#attempt(() => this.#values.inputsOf(node));
    if (inputs === undefined) return;
    this.#inFlight++;
    this.#hostsInFlight.add(node.id);
    this.#stopHosts ??= new AbortController();
    const onBug = (error: unknown) =>
      this.#guard(() => {
        throw error;
      });
    this.#request
      .runHost(node, inputs, this.#stopHosts.signal)
      .then((result) => this.#guard(() => this.#onHostEnd(node, result)), onBug);
  }

  #onHostEnd(node: HostNode, result: HostResult): void {
    // One that was given up has no part in the run any more.
    if (!this.#hostsInFlight.delete(node.id)) return;
    this.#inFlight--;
    switch (result.status) {
      case 'completed':
        this.#attempt(() => this.#completeHost(node, result.outputs));
        break;
      case 'stopped':
        this.#stopBefore(node.id);
        break;
      case 'failed':
        this.#fail(result.error);
        break;
    }
    this.#dispatch();
  }

  #completeHost(node: HostNode, outputs: readonly TensorData[]): void {
    this.#values.provideHostOutputs(node, outputs);
    this.#unitsEnded++;
    this.#nodesCompleted++;
    this.#units.onNode(node.id);
  }

  #onEvent(lane: number, event: StreamEvent): void {
    switch (event.kind) {
      case 'nodes':
        this.#values.collect(event.outputs);
        for (const node of event.nodes) this.#units.onNode(node);
        break;
      case 'segment':
        this.#inFlight--;
        this.#inFlightOfLane[lane]!--;
        this.#onSegmentEnd(event);
        break;
      case 'lost':
        this.#request.timeline?.moment(RECORD_KIND.replaced, this.#request.lease.streams[lane]!.index);
        this.#inFlight -= this.#inFlightOfLane[lane]!;
        this.#inFlightOfLane[lane] = 0;
        this.#fail(fromErrorRecord(event.error));
        break;
    }
    this.#dispatch();
  }

  #onSegmentEnd(event: StreamEvent & { kind: 'segment' }): void {
    this.#values.collect(event.outputs);
    this.#nodesCompleted += event.nodesCompleted;
    if (event.endedMs !== undefined)
      this.#deviceEndedMs = Math.max(this.#deviceEndedMs ?? event.endedMs, event.endedMs);
    switch (event.status) {
      case 'completed':
        this.#unitsEnded++;
        break;
      case 'stopped':
        // A stream that has begun the segment records the point where it stopped, and tells when.
        if (event.endedMs === undefined)
          this.#request.timeline?.stopBefore(event.stoppedBefore ?? this.#nextNode ?? -1);
        this.#stopBefore(event.stoppedBefore);
        break;
      case 'failed':
        invariant(event.error !== undefined, 'a failed segment brings its error');
        this.#fail(fromErrorRecord(event.error));
        break;
    }
  }

  #stopBefore(node: NodeId | undefined): void {
    this.#stopped = true;
    this.#stoppedBefore ??= node;
  }

  /** The first failure is the run's error; what follows from it is not interesting. The rest ends early. */
  #fail(error: CurfewError): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    this.#endEarly(RUN_STATE.failed, error);
  }

  #finish(): void {
    this.#phase = 'closing';
    this.#drain.end();
    const { plan, lease } = this.#request;
    const complete = this.#unitsEnded === plan.units.length;
    invariant(
      complete || this.#stopped || this.#error !== undefined,
      'a run ends complete, stopped or failed',
    );
    const clean = complete && this.#error === undefined;
    const leaving = this.#opened.map((stream) => stream.close(lease.slot, clean));
    if (clean) this.#finished(this.#result('completed', undefined));
    else this.#leave(leaving);
  }

  /** The run is over when the streams that are free have released what was left there. */
  #leave(leaving: readonly Leaving[]): void {
    const status = this.#error === undefined ? 'stopped' : 'failed';
    const [later, soon] = [true, false].map((behind) =>
      leaving.filter(({ behindOthers }) => behindOthers === behind).map(({ done }) => done),
    );
    const released = later!.length === 0 ? undefined : Promise.all(later!).then(() => undefined);
    Promise.all(soon!).then(() => this.#finished(this.#result(status, released)), this.#broken);
  }

  #result(status: DispatchResult['status'], released: DispatchResult['released']): DispatchResult {
    const { graph } = this.#request.plan;
    return {
      status,
      error: this.#error,
      values: this.#values.all,
      nodesCompleted: this.#nodesCompleted,
      stoppedBefore: status === 'stopped' ? graph.nodes[this.#nextNode ?? -1]?.name : undefined,
      deviceEndedMs: this.#deviceEndedMs,
      released,
    };
  }

  /** The node a stopped run would have gone on with. */
  get #nextNode(): NodeId | undefined {
    return this.#stoppedBefore ?? this.#units.nextNode;
  }
}

/** Runs a plan once. Submits each unit when all it waits for has happened, and nothing more after a stop or a failure. */
export function dispatchRun(request: DispatchRequest): Dispatch {
  return new RunDispatch(request);
}
