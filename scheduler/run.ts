/** Dispatches one run of a plan: the loop over pending counts and ready units, driven by device events. */
import { type CancellationMode, type ControlWord, isStopped } from './cancellation.js';
import { type CurfewError, fromErrorRecord, invariant } from './errors.js';
import type { HostNode, NodeId, ValueId } from './graph.js';
import type { Plan, Unit } from './plan.js';
import type { RunTimeline } from './run-timeline.js';
import type { ExportedValue, ProgramKey, SlotIndex, Stream, StreamEvent } from './stream.js';
import { bytesOf, type Tensor, type TensorData, viewData } from './tensor.js';
import { RECORD_KIND } from './timeline-record.js';

/** How a host node ended. */
export type HostResult =
  | { readonly status: 'completed'; readonly outputs: readonly TensorData[] }
  | { readonly status: 'stopped' }
  | { readonly status: 'failed'; readonly error: CurfewError };

/** Everything a run brings to its plan. */
export interface DispatchRequest {
  readonly plan: Plan;
  /** The stream of each lane. */
  readonly streams: readonly Stream[];
  readonly slot: SlotIndex;
  readonly program: ProgramKey;
  readonly control: ControlWord;
  readonly mode: CancellationMode;
  /** Where the run is recorded, if it is. */
  readonly timeline: RunTimeline | undefined;
  /** Feeds by the value they fill, checked against the graph. */
  readonly feeds: ReadonlyMap<ValueId, TensorData>;
  /** The slot's exchange buffer, of at least `plan.exchangeBytes`. */
  readonly exchange: Uint8Array;
  /** Runs a host node; never rejects. */
  runHost(node: HostNode, inputs: Readonly<Record<string, Tensor>>): Promise<HostResult>;
  /** Called at the first failure, so that whatever else is in flight can end early. */
  onFailure(): void;
}

/** How the dispatch of a run ended. By then nothing of it is in flight and its slot is free on every stream. */
export interface DispatchResult {
  /** `completed`: every node ran, whatever the clock says by now. */
  readonly status: 'completed' | 'stopped' | 'failed';
  readonly error: CurfewError | undefined;
  /** Graph outputs that were computed, by value. */
  readonly values: ReadonlyMap<ValueId, TensorData>;
  readonly nodesCompleted: number;
  readonly stoppedBefore: string | undefined;
  /** When the last device work was over, where streams measured it. */
  readonly deviceEndedMs: number | undefined;
}

/** The mutable state of one run. */
class RunDispatch {
  readonly #request: DispatchRequest;
  readonly #pending: Int32Array;
  readonly #ready: number[] = [];
  readonly #values = new Map<ValueId, TensorData>();
  readonly #inFlightOfLane: number[];
  readonly #finished: (result: DispatchResult) => void;
  readonly #broken: (error: unknown) => void;
  #inFlight = 0;
  #unitsEnded = 0;
  #nodesCompleted = 0;
  #error: CurfewError | undefined;
  #stopped = false;
  #stoppedBefore: NodeId | undefined;
  #deviceEndedMs: number | undefined;
  #closing = false;

  constructor(
    request: DispatchRequest,
    finished: (result: DispatchResult) => void,
    broken: (error: unknown) => void,
  ) {
    this.#request = request;
    this.#finished = finished;
    this.#broken = broken;
    this.#pending = request.plan.pending.slice();
    this.#inFlightOfLane = request.streams.map(() => 0);
    for (const [unit, count] of this.#pending.entries()) if (count === 0) this.#ready.push(unit);
  }

  start(): void {
    const { plan, streams, slot, program, mode, timeline } = this.#request;
    this.#provideFeeds();
    for (const node of plan.graph.nodes)
      if (node.kind === 'constant') this.#values.set(node.outputs[0]!, node.data);
    for (const [lane, stream] of streams.entries()) {
      stream.open({
        slot,
        program,
        lane,
        mode,
        timeline: timeline?.target(lane, stream.index),
        onEvent: (event) => this.#guard(() => this.#onEvent(lane, event)),
      });
    }
    this.#guard(() => this.#dispatch());
  }

  #provideFeeds(): void {
    const { feeds, timeline } = this.#request;
    const startMs = timeline?.nowMs() ?? 0;
    let bytes = 0;
    for (const [value, data] of feeds) {
      this.#provide(value, data);
      bytes += data.byteLength;
    }
    timeline?.span(RECORD_KIND.feeds, 0, startMs, bytes);
  }

  /** An exception in here is a bug of Curfew; it must surface as a rejection, not as an uncaught exception. */
  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#broken(error);
    }
  }

  /** The dispatch loop: submits every ready unit, and ends the run once nothing is in flight. */
  #dispatch(): void {
    const { plan, control, mode } = this.#request;
    const checks = mode.kind !== 'none';
    while (this.#ready.length > 0 && this.#error === undefined) {
      if (checks && !this.#stopped && isStopped(control)) this.#stopHere();
      if (this.#stopped) break;
      const unit = plan.units[this.#ready.shift()!]!;
      this.#inFlight++;
      if (unit.kind === 'segment') this.#submit(unit);
      else this.#startHost(unit.node);
    }
    if (this.#inFlight === 0 && !this.#closing) this.#finish();
  }

  /** This is a cancellation point, too. */
  #stopHere(): void {
    this.#stopped = true;
    this.#request.timeline?.stopBefore(this.#nextNode());
  }

  #submit(unit: Unit & { kind: 'segment' }): void {
    this.#inFlightOfLane[unit.lane]!++;
    const { timeline } = this.#request;
    const startMs = timeline?.nowMs() ?? 0;
    this.#request.streams[unit.lane]!.submit(this.#request.slot, unit.segment);
    timeline?.span(RECORD_KIND.dispatch, unit.index, startMs);
    for (const next of this.#request.plan.afterSubmission[unit.index]!) this.#satisfy(next);
  }

  #startHost(node: HostNode): void {
    const inputs: Record<string, Tensor> = Object.create(null);
    for (const [index, name] of node.inputNames.entries()) {
      const { id, dtype, shape } = this.#request.plan.graph.values[node.inputs[index]!]!;
      const data = this.#values.get(id);
      invariant(data !== undefined, `input ${name} of host node ${node.name} is there when the node starts`);
      inputs[name] = { dtype, shape, data: data.slice() };
    }
    this.#request
      .runHost(node, inputs)
      .then((result) => this.#guard(() => this.#onHostEnd(node, result)), this.#broken);
  }

  #onHostEnd(node: HostNode, result: HostResult): void {
    this.#inFlight--;
    switch (result.status) {
      case 'completed':
        this.#unitsEnded++;
        this.#nodesCompleted++;
        for (const [index, value] of node.outputs.entries()) this.#provide(value, result.outputs[index]!);
        this.#onNode(node.id);
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

  #onEvent(lane: number, event: StreamEvent): void {
    switch (event.kind) {
      case 'node':
        this.#collect(event.outputs);
        this.#onNode(event.node);
        break;
      case 'segment':
        this.#inFlight--;
        this.#inFlightOfLane[lane]!--;
        this.#onSegmentEnd(event);
        break;
      case 'lost':
        this.#request.timeline?.moment(RECORD_KIND.replaced, this.#request.streams[lane]!.index);
        this.#inFlight -= this.#inFlightOfLane[lane]!;
        this.#inFlightOfLane[lane] = 0;
        this.#fail(fromErrorRecord(event.error));
        break;
    }
    this.#dispatch();
  }

  #onSegmentEnd(event: StreamEvent & { kind: 'segment' }): void {
    this.#collect(event.outputs);
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
          this.#request.timeline?.stopBefore(event.stoppedBefore ?? this.#nextNode());
        this.#stopBefore(event.stoppedBefore);
        break;
      case 'failed':
        invariant(event.error !== undefined, 'a failed segment brings its error');
        this.#fail(fromErrorRecord(event.error));
        break;
    }
  }

  /** A value that the main thread has: for host nodes, for the caller, and for the streams that read it. */
  #provide(value: ValueId, data: TensorData): void {
    this.#values.set(value, data);
    const entry = this.#request.plan.exchange.get(value);
    if (entry !== undefined) this.#request.exchange.set(bytesOf(data), entry.byteOffset);
  }

  #collect(outputs: readonly ExportedValue[]): void {
    for (const { value, buffer } of outputs) {
      this.#values.set(value, viewData(this.#request.plan.graph.values[value]!, buffer));
    }
  }

  #onNode(node: NodeId): void {
    for (const unit of this.#request.plan.afterNode.get(node) ?? []) this.#satisfy(unit);
  }

  #satisfy(unit: number): void {
    this.#pending[unit]!--;
    invariant(this.#pending[unit]! >= 0, `unit ${unit} waits for no more than its prerequisites`);
    if (this.#pending[unit] === 0) this.#ready.push(unit);
  }

  #stopBefore(node: NodeId | undefined): void {
    this.#stopped = true;
    this.#stoppedBefore ??= node;
  }

  /** The first failure is the run's error; what follows from it is not interesting. */
  #fail(error: CurfewError): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    this.#request.onFailure();
  }

  #finish(): void {
    this.#closing = true;
    const { plan, streams, slot } = this.#request;
    const complete = this.#unitsEnded === plan.units.length;
    invariant(
      complete || this.#stopped || this.#error !== undefined,
      'a run ends complete, stopped or failed',
    );
    const clean = complete && this.#error === undefined;
    const closed = streams.map((stream) => stream.close(slot, clean));
    if (clean) this.#finished(this.#result('completed'));
    else {
      const status = this.#error === undefined ? 'stopped' : 'failed';
      Promise.all(closed).then(() => this.#finished(this.#result(status)), this.#broken);
    }
  }

  #result(status: DispatchResult['status']): DispatchResult {
    const { graph } = this.#request.plan;
    return {
      status,
      error: this.#error,
      values: this.#values,
      nodesCompleted: this.#nodesCompleted,
      stoppedBefore: status === 'stopped' ? graph.nodes[this.#nextNode()]?.name : undefined,
      deviceEndedMs: this.#deviceEndedMs,
    };
  }

  /** The node a stopped run would have gone on with. */
  #nextNode(): number {
    if (this.#stoppedBefore !== undefined) return this.#stoppedBefore;
    const unit = this.#request.plan.units[this.#ready[0] ?? -1];
    if (unit === undefined) return -1;
    return unit.kind === 'host' ? unit.node.id : unit.nodes[0]!;
  }
}

/**
 * Runs a plan once. Submits each unit when all it waits for has happened, submits nothing more after a stop or a
 * failure, and resolves when everything in flight has ended. Rejects only with INTERNAL.
 */
export function dispatchRun(request: DispatchRequest): Promise<DispatchResult> {
  return new Promise((resolve, reject) => new RunDispatch(request, resolve, reject).start());
}
