/** The life of one run: waiting, in flight, over. Each run settles exactly once, after its device work is over. */
import type { DispatchResult } from '../scheduler/dispatch.js';
import { CurfewError, fromErrorRecord, invariant, toErrorRecord } from '../scheduler/errors.js';
import type { ValueId } from '../scheduler/graph.js';
import { outcomeOf, type RunReport } from '../scheduler/outcome.js';
import { type Dispatch, dispatchRun } from '../scheduler/run.js';
import type { RunTimeline } from '../scheduler/run-timeline.js';
import type { TensorData } from '../scheduler/tensor.js';
import { RECORD_KIND } from '../scheduler/timeline-record.js';
import { isAborted, reasonOf } from './abort-source.js';
import { collectOutputs } from './feeds.js';
import { recordHostNode, runHostNode } from './host-node.js';
import { Lease } from './lease.js';
import type { CheckedRunOptions } from './options.js';
import { type Conclusion, settle } from './run-conclusion.js';
import type { RunContext } from './run-context.js';
import { reportOf } from './run-report.js';
import type { RunResult } from './run-result.js';
import type { Place } from './slots.js';
import { causeOfSignal, decideCause, type StopCause, stateOf } from './stop-cause.js';
import type { Timeline } from './timeline/timeline.js';

/** Why a run ends without having been dispatched. */
type GivenUp = StopCause | CurfewError;

/** Where a run is in its life. */
type Phase =
  | { readonly kind: 'called' }
  /** Accepted; `leave` makes it leave the queue. */
  | { readonly kind: 'waiting'; leave(why: GivenUp): void }
  | { readonly kind: 'given-up'; readonly why: GivenUp }
  | {
      readonly kind: 'in-flight';
      readonly dispatchedMs: number;
      readonly lease: Lease;
      readonly dispatch: Dispatch;
    }
  | { readonly kind: 'over'; readonly conclusion: Conclusion; announced: boolean };

const NO_OUTPUTS: RunResult['outputs'] = Object.freeze(Object.create(null));

/** What a run ended with. */
interface Ending {
  readonly outcome: RunReport['outcome'];
  readonly cause?: StopCause | undefined;
  readonly settledMs: number;
  readonly result?: DispatchResult | undefined;
  readonly outputs?: RunResult['outputs'] | undefined;
  readonly error?: CurfewError | undefined;
}

export class ExecutableRun {
  readonly #context: RunContext;
  readonly #feeds: ReadonlyMap<ValueId, TensorData>;
  readonly #options: CheckedRunOptions;
  readonly #calledMs: number;
  readonly #deadline: StopCause | undefined;
  /** What the caller's signal said. */
  #signalled: StopCause | undefined;
  #phase: Phase = { kind: 'called' };
  #cancelTimer: () => void = () => undefined;
  /** Of a clock that stands still while host nodes run. */
  readonly #holds = new Set<() => void>();

  constructor(
    context: RunContext,
    feeds: ReadonlyMap<ValueId, TensorData>,
    options: CheckedRunOptions,
    calledMs: number,
  ) {
    this.#context = context;
    this.#feeds = feeds;
    this.#options = options;
    this.#calledMs = calledMs;
    this.#deadline =
      options.timeoutMs === undefined
        ? undefined
        : { reason: 'deadline-exceeded', atMs: calledMs + options.timeoutMs };
  }

  /** A run that has not been dispatched gives up. */
  giveUp(why: GivenUp): void {
    const phase = this.#phase;
    if (phase.kind !== 'called' && phase.kind !== 'waiting') return;
    this.#phase = { kind: 'given-up', why };
    if (phase.kind === 'waiting') phase.leave(why);
  }

  /** Ends the run whatever it does: gives up waiting, or what is in flight. */
  abandon(error: CurfewError): void {
    this.giveUp(error);
    if (this.#phase.kind === 'in-flight') this.#phase.dispatch.abandon(error);
    // Host nodes that were given up may never end: no clock stands still for them any more.
    for (const letGo of this.#holds) letGo();
  }

  /** Runs to the end. Called once. */
  async perform(): Promise<RunResult> {
    const { signal } = this.#options;
    const unsubscribe = signal && this.#context.signals.subscribe(signal, this.#onAbort);
    try {
      this.#checkBeforeQueue();
      await this.#fly();
    } finally {
      this.#cancelTimer();
      unsubscribe?.();
    }
    if (this.#phase.kind === 'given-up') this.#concludeUndispatched(this.#phase.why);
    return settle(this.#announce(), this.#options);
  }

  /** Tells, once, that the run has settled. */
  #announce(): Conclusion {
    invariant(this.#phase.kind === 'over', 'a run is over when it settles');
    if (!this.#phase.announced) {
      this.#phase.announced = true;
      this.#context.onSettled(this.#phase.conclusion.report);
    }
    return this.#phase.conclusion;
  }

  #checkBeforeQueue(): void {
    const { signal, timeoutMs } = this.#options;
    if (signal !== undefined && isAborted(signal)) this.#onAbort();
    else if (timeoutMs === 0) this.giveUp(this.#deadline!);
    else if (timeoutMs !== undefined)
      this.#cancelTimer = this.#context.clock.setTimer(timeoutMs, () => this.giveUp(this.#deadline!));
  }

  /** Waits for a place and is dispatched. Returns when the run is over, which may be before its place is free. */
  async #fly(): Promise<void> {
    if (this.#phase.kind === 'given-up') {
      this.#accept();
      return;
    }
    // Most runs need not wait.
    let waiting: AbortController | undefined;
    const leave = (why: GivenUp) => waiting?.abort(why);
    let accepted = false;
    const onAccepted = () => {
      accepted = true;
      if (this.#phase.kind === 'called') this.#phase = { kind: 'waiting', leave };
      this.#accept();
    };
    const { priority } = this.#options;
    const { admission, plan } = this.#context;
    const wait = () => {
      waiting = new AbortController();
      if (this.#phase.kind === 'given-up') waiting.abort(this.#phase.why);
      return waiting.signal;
    };
    const request = { priority, lanes: plan.lanes, waiting: wait, onAccepted };
    try {
      await new Promise<void>((resolve, reject) => {
        admission.admit(request, (place) => this.#occupy(place, resolve)).then(resolve, reject);
      });
    } catch (error) {
      if (!accepted) throw error;
      // Giving up rejects with what the phase says already; otherwise no stream is left to run on.
      this.giveUp(fromErrorRecord(toErrorRecord(error, 'INTERNAL')));
    }
  }

  #accept(): void {
    this.#context.recording?.accepted();
    this.#context.onQueued();
  }

  #onAbort = (): void => {
    const { clock } = this.#context;
    this.#signalled = causeOfSignal(this.#options.signal!, clock.nowMs());
    this.#timeline?.moment(RECORD_KIND.abort, 0, this.#signalled.atMs);
    this.giveUp(this.#signalled);
    this.#stop(this.#signalled);
  };

  get #abortReason(): unknown {
    const { signal } = this.#options;
    return signal && reasonOf(signal);
  }

  /** Stops a dispatched run at its next cancellation point; mode `'none'` has none. */
  #stop(cause: StopCause): void {
    if (this.#phase.kind !== 'in-flight' || this.#options.mode.kind === 'none') return;
    const reason = cause === this.#signalled ? this.#abortReason : undefined;
    this.#phase.dispatch.stop(stateOf(cause), reason);
  }

  /**
   * Uses the place. Returns when it is free again; `over` is called when the run is, if that is earlier. The order in which a
   * dispatched run ends: its device work is over, or broken; the outcome is decided and the lease ends, so that no deadline
   * stops the slot's next run (`#conclude`, `#concludeBroken`); what streams hold of it is released, after an internal error
   * by replacing them (`quarantine`); the lease is released; the place is given back; all are told (`#announce`, `over`).
   * Where streams release what they hold only after others' work, or are replaced, all are told before that.
   */
  async #occupy(place: Place, over: () => void): Promise<void> {
    const settle = () => {
      this.#announce();
      over();
    };
    try {
      await this.#use(place, settle);
    } finally {
      // Before anybody is told that the run has settled: who is told may call `run()` and must find the place free.
      place.giveBack();
    }
    if (this.#isOver) settle();
  }

  async #use(place: Place, over: () => void): Promise<void> {
    const { clock, leases, plan } = this.#context;
    const nowMs = clock.nowMs();
    this.#cancelTimer();
    if (this.#deadline !== undefined && nowMs >= this.#deadline.atMs) this.giveUp(this.#deadline);
    if (this.#phase.kind === 'given-up') return;
    // Without memory for its exchange buffer the run ends here, undispatched.
    const lease = new Lease(leases, place, plan.exchangeBytes);
    try {
      await this.#hold(lease, nowMs, over);
    } finally {
      lease.release();
    }
  }

  async #hold(lease: Lease, dispatchedMs: number, over: () => void): Promise<void> {
    const dispatch = this.#dispatch(lease);
    this.#phase = { kind: 'in-flight', dispatchedMs, lease, dispatch };
    this.#armDeadline(lease, dispatchedMs);
    this.#context.onDispatched();
    try {
      dispatch.start();
      const result = await dispatch.result;
      this.#conclude(lease, result);
      if (result.released === undefined) return;
      over();
      await result.released;
    } catch (thrown) {
      const error = fromErrorRecord(toErrorRecord(thrown, 'INTERNAL'));
      if (!this.#isOver) this.#concludeBroken(lease, error);
      over();
      await lease.quarantine(error);
    }
  }

  get #isOver(): boolean {
    return this.#phase.kind === 'over';
  }

  #armDeadline(lease: Lease, nowMs: number): void {
    const deadline = this.#deadline;
    if (deadline === undefined || this.#options.mode.kind === 'none') return;
    lease.armDeadline(deadline.atMs);
    this.#cancelTimer = this.#context.clock.setTimer(deadline.atMs - nowMs, () => this.#stop(deadline));
  }

  #dispatch(lease: Lease): Dispatch {
    const { plan, program, clock, drainLimitMs } = this.#context;
    return dispatchRun({
      plan,
      lease,
      program,
      mode: this.#options.mode,
      clock,
      drainLimitMs,
      timeline: this.#timeline,
      feeds: this.#feeds,
      runHost: (node, inputs, signal) =>
        recordHostNode(this.#timeline, clock, node, this.#holds, () =>
          runHostNode(plan.graph, node, inputs, signal),
        ),
    });
  }

  /** Decides the outcome. Whatever stopped the run first wins; a run that ends after its deadline has missed it. */
  #conclude(lease: Lease, result: DispatchResult): void {
    const { outputs, error } = this.#collect(result);
    const settledMs = this.#context.clock.nowMs();
    const word = this.#options.mode.kind === 'none' ? undefined : lease.stopReason;
    lease.end();
    const late = this.#deadline !== undefined && settledMs >= this.#deadline.atMs;
    // A watchdog may be ahead of this thread's clock.
    const deadline = late || word === 'deadline-exceeded' ? this.#deadline : undefined;
    const cause = decideCause(word, [this.#signalled, deadline]);
    const outcome = outcomeOf(error === undefined ? result.status : 'failed', word ?? cause?.reason);
    this.#finish({ outcome, cause, settledMs, result, outputs, error });
  }

  /** The outputs, where the caller may get them; a run that has no memory for them has failed. */
  #collect({ status, values, error }: DispatchResult): Pick<Ending, 'outputs' | 'error'> {
    const wanted = error === undefined && (status === 'completed' || this.#options.partial);
    if (!wanted) return { error };
    try {
      return { outputs: collectOutputs(this.#context.plan.graph, values), error };
    } catch (thrown) {
      return { error: fromErrorRecord(toErrorRecord(thrown, 'INTERNAL')) };
    }
  }

  #concludeBroken(lease: Lease, error: CurfewError): void {
    const settledMs = this.#context.clock.nowMs();
    lease.end();
    this.#finish({ outcome: 'failed', settledMs, error });
  }

  #concludeUndispatched(why: GivenUp): void {
    const settledMs = this.#context.clock.nowMs();
    if (why instanceof CurfewError) this.#finish({ outcome: 'failed', settledMs, error: why });
    else this.#finish({ outcome: why.reason, cause: why, settledMs });
  }

  #finish({ outcome, cause, settledMs, result, outputs = NO_OUTPUTS, error }: Ending): void {
    const { run, name, device, fallbacks, plan } = this.#context;
    const flight = this.#phase.kind === 'in-flight' ? this.#phase : undefined;
    const streams = flight?.lease.streams.map(({ index }) => index) ?? [];
    const dispatchedMs = flight?.dispatchedMs;
    const report = reportOf({
      run,
      executable: name,
      device,
      fallbacks,
      nodesTotal: plan.workNodes,
      options: this.#options,
      outcome,
      cause: outcome === 'failed' ? undefined : cause,
      calledMs: this.#calledMs,
      dispatchedMs,
      settledMs,
      result,
      streams,
    });
    const timeline = this.#record(report, settledMs, dispatchedMs, streams);
    const isSignal = cause !== undefined && cause === this.#signalled;
    const reason = isSignal ? this.#abortReason : undefined;
    this.#phase = {
      kind: 'over',
      conclusion: { report, timeline, outputs, error, reason },
      announced: false,
    };
  }

  /** The last records of the run; its timeline, when one was asked for. */
  #record(
    report: RunReport,
    settledMs: number,
    dispatchedMs: number | undefined,
    streams: readonly number[],
  ): Timeline | undefined {
    const timeline = this.#timeline;
    timeline?.span(RECORD_KIND.queued, 0, this.#calledMs, 0, dispatchedMs ?? settledMs);
    if (dispatchedMs !== undefined) timeline?.span(RECORD_KIND.run, 0, dispatchedMs, 0, settledMs);
    if (this.#deadline !== undefined) timeline?.moment(RECORD_KIND.deadline, 0, this.#deadline.atMs);
    return this.#context.recording?.settled(report, streams);
  }

  get #timeline(): RunTimeline | undefined {
    return this.#context.recording?.timeline;
  }
}
