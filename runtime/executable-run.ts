/** The life of one run: waiting, dispatched, settled. Each run settles exactly once, after its device work is over. */
import { formatMode, RUN_STATE, stopReasonOf } from '../scheduler/cancellation.js';
import type { Clock } from '../scheduler/clock.js';
import type { RunControls } from '../scheduler/device.js';
import { CurfewError, fromErrorRecord, invariant, quote, toErrorRecord } from '../scheduler/errors.js';
import type { HostNode, ValueId } from '../scheduler/graph.js';
import { type Outcome, outcomeOf, type RunReport } from '../scheduler/outcome.js';
import type { Plan } from '../scheduler/plan.js';
import { type DispatchResult, dispatchRun, type HostResult } from '../scheduler/run.js';
import type { RunTimeline } from '../scheduler/run-timeline.js';
import type { ProgramKey } from '../scheduler/stream.js';
import type { Tensor, TensorData } from '../scheduler/tensor.js';
import { RECORD_KIND } from '../scheduler/timeline-record.js';
import type { Admission } from './admission.js';
import { DeadlineExceededError, RunAbortedError, RunError } from './errors.js';
import type { Exchanges } from './exchanges.js';
import { collectOutputs } from './feeds.js';
import { runHostNode } from './host-node.js';
import type { CheckedRunOptions } from './options.js';
import type { RunResult } from './run-result.js';
import type { Place } from './slots.js';
import type { RunRecording } from './timeline/recorder.js';
import type { Timeline } from './timeline/timeline.js';

/** What a run needs of its engine and its executable. */
export interface RunContext {
  readonly name: string;
  readonly plan: Plan;
  readonly program: ProgramKey;
  readonly device: string;
  readonly clock: Clock;
  readonly controls: RunControls;
  readonly admission: Admission;
  readonly exchanges: Exchanges;
  /** See `EngineOptions.drainLimitMs`. */
  readonly drainLimitMs: number | undefined;
  /** Where the run is recorded, if it is. */
  readonly recording: RunRecording | undefined;
  /** The run was accepted. Every accepted run settles. */
  onQueued(): void;
  onDispatched(): void;
  onSettled(report: RunReport): void;
}

/** Why a run gave up before it was dispatched, or broke off. */
type GivenUp = 'aborted' | 'deadline-exceeded' | CurfewError;

export class ExecutableRun {
  readonly #context: RunContext;
  readonly #feeds: ReadonlyMap<ValueId, TensorData>;
  readonly #options: CheckedRunOptions;
  readonly #startMs: number;
  readonly #deadlineMs: number | undefined;
  /** Aborts to make the run leave the queue. */
  readonly #waiting = new AbortController();
  /** Aborts to tell host nodes of a stop. */
  readonly #stopHosts = new AbortController();
  /** When the main thread first learned of a stop, if the run is recorded. */
  #drainingSinceMs: number | undefined;
  #givenUp: GivenUp | undefined;
  #accepted = false;
  #abortedMs: number | undefined;
  #dispatchedMs: number | undefined;
  #place: Place | undefined;
  #result: DispatchResult | undefined;
  #settled: { readonly report: RunReport; readonly timeline: Timeline | undefined } | undefined;
  #cancelTimer: () => void = () => undefined;
  #cancelDrainLimit: (() => void) | undefined;

  constructor(
    context: RunContext,
    feeds: ReadonlyMap<ValueId, TensorData>,
    options: CheckedRunOptions,
    startMs: number,
  ) {
    this.#context = context;
    this.#feeds = feeds;
    this.#options = options;
    this.#startMs = startMs;
    this.#deadlineMs = options.timeoutMs === undefined ? undefined : startMs + options.timeoutMs;
  }

  /** Makes the run give up if it has not been dispatched. */
  giveUp(why: GivenUp): void {
    if (this.#givenUp !== undefined || this.#dispatchedMs !== undefined) return;
    this.#givenUp = why;
    this.#waiting.abort(why);
  }

  /** Runs to the end. Called once. */
  async perform(): Promise<RunResult> {
    const { signal, priority } = this.#options;
    const { admission, plan } = this.#context;
    signal?.addEventListener('abort', this.#onAbort);
    try {
      this.#checkBeforeQueue();
      if (this.#givenUp === undefined) {
        const onAccepted = () => this.#accept();
        const request = { priority, lanes: plan.lanes, waiting: this.#waiting.signal, onAccepted };
        await admission.admit(request, (place) => this.#dispatch(place));
      } else {
        this.#accept();
      }
    } catch (error) {
      if (!this.#accepted) throw error;
      this.#givenUp ??= fromErrorRecord(toErrorRecord(error, 'INTERNAL'));
    } finally {
      this.#cancelTimer();
      signal?.removeEventListener('abort', this.#onAbort);
    }
    return this.#conclude();
  }

  #accept(): void {
    this.#accepted = true;
    this.#context.recording?.accepted();
    this.#context.onQueued();
  }

  #checkBeforeQueue(): void {
    const { signal } = this.#options;
    if (signal?.aborted) this.#onAbort();
    else if (this.#options.timeoutMs === 0) this.giveUp('deadline-exceeded');
    else if (this.#options.timeoutMs !== undefined) {
      this.#cancelTimer = this.#context.clock.setTimer(this.#options.timeoutMs, () =>
        this.giveUp('deadline-exceeded'),
      );
    }
  }

  #onAbort = (): void => {
    this.#abortedMs = this.#context.clock.nowMs();
    this.#timeline?.moment(RECORD_KIND.abort, 0, this.#abortedMs);
    this.giveUp('aborted');
    if (this.#dispatchedMs !== undefined) this.#stop(RUN_STATE.aborted);
  };

  /** Stops a dispatched run at its next cancellation point; mode `'none'` has none. */
  #stop(state: number): void {
    if (this.#options.mode.kind === 'none' || this.#place === undefined || this.#settled !== undefined)
      return;
    this.#drainingSinceMs ??= this.#timeline?.nowMs();
    this.#context.controls.stop(this.#place.slot, state);
    this.#stopHosts.abort(state === RUN_STATE.aborted ? this.#options.signal?.reason : undefined);
    for (const stream of this.#place.streams) stream.takeBack(this.#place.slot);
    this.#limitDrain(this.#place);
  }

  #limitDrain(place: Place): void {
    const { drainLimitMs, clock } = this.#context;
    if (drainLimitMs === undefined || this.#cancelDrainLimit !== undefined) return;
    this.#cancelDrainLimit = clock.setTimer(drainLimitMs, () => {
      const reason = new Error(
        `in-flight work went on for more than ${drainLimitMs} ms (drainLimitMs) after a stop`,
      );
      for (const stream of place.streams) stream.abandon(place.slot, reason);
    });
  }

  async #dispatch(place: Place): Promise<void> {
    const { clock, controls } = this.#context;
    const nowMs = clock.nowMs();
    this.#cancelTimer();
    if (this.#deadlineMs !== undefined && nowMs >= this.#deadlineMs) this.giveUp('deadline-exceeded');
    if (this.#givenUp !== undefined) return;
    this.#dispatchedMs = nowMs;
    this.#place = place;
    const control = controls.begin(place.slot);
    if (this.#deadlineMs !== undefined && this.#options.mode.kind !== 'none')
      this.#armDeadline(place, this.#deadlineMs, nowMs);
    this.#context.onDispatched();
    this.#result = await dispatchRun({
      plan: this.#context.plan,
      streams: place.streams,
      slot: place.slot,
      program: this.#context.program,
      control,
      mode: this.#options.mode,
      timeline: this.#timeline,
      feeds: this.#feeds,
      exchange: this.#context.exchanges.open(place, this.#context.plan.exchangeBytes),
      runHost: (node, inputs) => this.#runHost(node, inputs),
      onFailure: () => this.#stop(RUN_STATE.failed),
    });
    const reason =
      this.#options.mode.kind === 'none'
        ? undefined
        : stopReasonOf(Atomics.load(control.words, control.index));
    this.#cancelDrainLimit?.();
    if (this.#drainingSinceMs !== undefined)
      this.#timeline?.span(RECORD_KIND.drain, 0, this.#drainingSinceMs);
    controls.end(place.slot);
    this.#context.exchanges.close(place);
    this.#settle(reason);
  }

  #armDeadline(place: Place, deadlineMs: number, nowMs: number): void {
    this.#context.controls.setDeadline(place.slot, deadlineMs);
    this.#cancelTimer = this.#context.clock.setTimer(deadlineMs - nowMs, () =>
      this.#stop(RUN_STATE.deadline),
    );
  }

  async #runHost(node: HostNode, inputs: Readonly<Record<string, Tensor>>): Promise<HostResult> {
    const { plan, clock } = this.#context;
    const startMs = this.#timeline?.nowMs() ?? 0;
    const release = clock.hold?.();
    const result = await runHostNode(plan.graph, node, inputs, this.#stopHosts.signal);
    release?.();
    if (result.status === 'completed') this.#timeline?.span(RECORD_KIND.host, node.id, startMs);
    else
      this.#timeline?.moment(result.status === 'stopped' ? RECORD_KIND.stop : RECORD_KIND.failure, node.id);
    return result;
  }

  /** Decides the outcome. Whatever stopped the run first wins; a run that ends after its deadline has missed it. */
  #settle(stopReason: ReturnType<typeof stopReasonOf>): void {
    const nowMs = this.#context.clock.nowMs();
    const late = this.#deadlineMs !== undefined && nowMs >= this.#deadlineMs;
    const abortFirst =
      this.#abortedMs !== undefined && this.#abortedMs < (this.#deadlineMs ?? Number.POSITIVE_INFINITY);
    const reason = stopReason ?? (abortFirst ? 'aborted' : late ? 'deadline-exceeded' : undefined);
    const status = this.#result?.status ?? 'stopped';
    this.#conclusion(outcomeOf(status, reason), nowMs);
  }

  #conclusion(outcome: Outcome, nowMs: number): void {
    invariant(this.#settled === undefined, 'a run settles once');
    const { plan, name, device } = this.#context;
    const dispatchedMs = this.#dispatchedMs;
    const stopMs =
      outcome === 'aborted'
        ? this.#abortedMs
        : outcome === 'deadline-exceeded'
          ? this.#deadlineMs
          : undefined;
    const deviceEndedMs = this.#result?.deviceEndedMs;
    const report: RunReport = Object.freeze({
      outcome,
      executable: name,
      mode: formatMode(this.#options.mode),
      timeoutMs: this.#options.timeoutMs,
      latenessMs: stopMs === undefined ? undefined : Math.max(0, nowMs - stopMs),
      deviceLatenessMs:
        stopMs === undefined || deviceEndedMs === undefined ? undefined : Math.max(0, deviceEndedMs - stopMs),
      queuedMs: (dispatchedMs ?? nowMs) - this.#startMs,
      durationMs: dispatchedMs === undefined ? 0 : nowMs - dispatchedMs,
      nodesCompleted: this.#result?.nodesCompleted ?? 0,
      nodesTotal: plan.workNodes,
      stoppedBefore: this.#result?.stoppedBefore,
      device,
      stream: this.#place?.streams.length === 1 ? this.#place.streams[0]!.index : undefined,
    });
    this.#settled = { report, timeline: this.#record(report, nowMs) };
    this.#context.onSettled(report);
  }

  /** The last records of the run; its timeline, when one was asked for. */
  #record(report: RunReport, nowMs: number): Timeline | undefined {
    this.#timeline?.span(RECORD_KIND.queued, 0, this.#startMs, 0, this.#dispatchedMs ?? nowMs);
    if (this.#dispatchedMs !== undefined)
      this.#timeline?.span(RECORD_KIND.run, 0, this.#dispatchedMs, 0, nowMs);
    if (this.#deadlineMs !== undefined) this.#timeline?.moment(RECORD_KIND.deadline, 0, this.#deadlineMs);
    const streams = this.#place?.streams.map(({ index }) => index) ?? [];
    return this.#context.recording?.settled(report, streams);
  }

  get #timeline(): RunTimeline | undefined {
    return this.#context.recording?.timeline;
  }

  /** The result, or the error of the outcome. */
  #conclude(): RunResult {
    const givenUp = this.#givenUp;
    if (givenUp !== undefined) {
      this.#conclusion(givenUp instanceof CurfewError ? 'failed' : givenUp, this.#context.clock.nowMs());
    }
    invariant(this.#settled !== undefined, 'a run that was admitted has settled');
    const { report, timeline } = this.#settled;
    switch (report.outcome) {
      case 'completed':
        return this.#success(timeline);
      case 'deadline-exceeded':
        if (this.#options.partial) return this.#success(timeline);
        throw new DeadlineExceededError(describeStop('deadline', report), report, timeline);
      case 'aborted':
        throw new RunAbortedError(
          describeStop('abort', report),
          this.#options.signal?.reason,
          report,
          timeline,
        );
      case 'failed': {
        const error = givenUp instanceof CurfewError ? givenUp : this.#result?.error;
        invariant(error !== undefined, 'a failed run has an error');
        const details = {
          node: error.node,
          expected: error.expected,
          received: error.received,
          cause: error,
        };
        throw new RunError(
          error.code,
          `run of ${quote(report.executable)} failed: ${error.message}`,
          details,
          report,
          timeline,
        );
      }
    }
  }

  #success(timeline: Timeline | undefined): RunResult {
    const outputs = collectOutputs(this.#context.plan.graph, this.#result?.values ?? new Map());
    return { outputs, report: this.#settled!.report, timeline };
  }
}

function describeStop(what: 'deadline' | 'abort', report: RunReport): string {
  const { executable, timeoutMs, nodesCompleted, nodesTotal, stoppedBefore, latenessMs, mode } = report;
  const why = what === 'deadline' ? `exceeded its deadline of ${timeoutMs} ms` : 'was aborted';
  const where = stoppedBefore === undefined ? '' : `, stopped before ${quote(stoppedBefore)}`;
  return (
    `run of ${quote(executable)} ${why}: ${nodesCompleted} of ${nodesTotal} nodes executed${where}, ` +
    `${(latenessMs ?? 0).toFixed(2)} ms late, cancellation ${mode}`
  );
}
