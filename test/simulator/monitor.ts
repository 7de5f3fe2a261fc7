/** Watches a simulation from between the engine and its device, and notes the first rule that is broken. */
import type { VirtualLogEntry } from '../../kernels/virtual/options.js';
import { COPY_IN } from '../../kernels/virtual/virtual-backend.js';
import type { VirtualClock } from '../../kernels/virtual/virtual-clock.js';
import { type ControlWord, isStopped } from '../../scheduler/cancellation.js';
import type { ErrorCode } from '../../scheduler/errors.js';
import type { RunReport } from '../../scheduler/outcome.js';
import type { SlotIndex } from '../../scheduler/stream.js';
import type { WatchedRun } from './watched-run.js';
import { WindowWatch } from './window-watch.js';

const KERNEL_EVENTS = new Set(['submit', 'start', 'end', 'error']);

export class Monitor {
  readonly window: WindowWatch;
  readonly reports = new Set<RunReport>();
  readonly lines: string[] = [];
  readonly #clock: VirtualClock;
  readonly #keepsLog: boolean;
  readonly #runOfSlot = new Map<SlotIndex, WatchedRun>();
  readonly #startedMs = new Map<number, number>();
  #violation: Error | undefined;
  #begun: { readonly slot: SlotIndex; readonly control: ControlWord } | undefined;
  #step = 0;
  /** When events happened, where somebody wants to know. */
  instantsMs: Set<number> | undefined;
  /** Called when whatever an event set off has happened, before the next event. */
  atRest: () => void = () => undefined;
  /** The run whose `run()` is being called. */
  calling: WatchedRun | undefined;
  /** The run that is being dispatched, or told an event: a host node's function that is called now belongs to it. */
  current: WatchedRun | undefined;
  readonly #byNumber = new Map<number, WatchedRun>();

  constructor(clock: VirtualClock, keepsLog: boolean) {
    this.#clock = clock;
    this.#keepsLog = keepsLog;
    this.window = new WindowWatch(clock, (message) => this.violate(message));
  }

  /** Number of events of the clock so far. */
  get step(): number {
    return this.#step;
  }

  /** Notes a broken rule; the first one counts. */
  violate(message: string): void {
    this.#violation ??= new Error(`at ${this.#clock.nowMs().toFixed(4)} ms: ${message}`);
  }

  /** Called after each event of the clock. @throws the first broken rule */
  afterEvent(): void {
    this.#step++;
    this.instantsMs?.add(this.#clock.nowMs());
    if (this.#violation !== undefined) throw this.#violation;
  }

  note(what: string): void {
    if (this.#keepsLog) this.lines.push(`${this.#clock.nowMs().toFixed(4)} ${what}`);
  }

  runIn(slot: SlotIndex): WatchedRun | undefined {
    return this.#runOfSlot.get(slot);
  }

  onQueued(number: number): void {
    const run = this.calling;
    if (run === undefined) {
      this.violate('a run is queued within its call');
      return;
    }
    this.#byNumber.set(number, run);
    this.note(`${run.name} queued`);
  }

  onBegin(slot: SlotIndex, control: ControlWord): void {
    if (this.#runOfSlot.has(slot)) this.violate(`slot ${slot} is given to a run while another has it`);
    this.#begun = { slot, control };
  }

  onDispatched(number: number): void {
    const run = this.#byNumber.get(number);
    if (run === undefined || this.#begun === undefined) {
      this.violate('a queued run begins in a slot');
      return;
    }
    this.#runOfSlot.set(this.#begun.slot, run);
    this.current = run;
    run.control = this.#begun.control;
    run.dispatchedMs = this.#clock.nowMs();
    this.#begun = undefined;
    this.note(`${run.name} dispatched`);
  }

  onEnd(slot: SlotIndex): void {
    const run = this.#runOfSlot.get(slot);
    if (run === undefined) {
      this.violate(`slot ${slot} ends one run once`);
      return;
    }
    run.endedMs = this.#clock.nowMs();
    this.#runOfSlot.delete(slot);
  }

  onSettled(report: RunReport): void {
    if (this.reports.has(report)) this.violate('a run settles once');
    this.reports.add(report);
    this.note(`settled ${report.outcome} ${report.nodesCompleted}/${report.nodesTotal}`);
  }

  onFailure(run: WatchedRun, code: ErrorCode): void {
    run.failures.push(code);
    this.note(`${run.name} failure ${code}`);
  }

  /** Work may be handed to a stream or the host only while the run has not been stopped. */
  onUnit(run: WatchedRun, what: string): void {
    if (run.spec.mode !== 'none' && this.isStopped(run))
      this.violate(`${run.name}: ${what} starts after the stop`);
  }

  isStopped(run: WatchedRun): boolean {
    return run.control !== undefined && isStopped(run.control);
  }

  onDevice({ stream, slot, event, name }: VirtualLogEntry): void {
    const run = slot === undefined ? undefined : this.#runOfSlot.get(slot);
    this.note(`stream ${stream} ${run?.name ?? '-'} ${event} ${name}`);
    if (event === 'thread ends') this.window.onThreadEnd(stream);
    if (slot === undefined || !KERNEL_EVENTS.has(event)) return;
    if (event === 'start') this.#startedMs.set(stream, this.#clock.nowMs());
    const tookMs = this.#clock.nowMs() - (this.#startedMs.get(stream) ?? 0);
    if (name === COPY_IN) {
      if (run !== undefined && event === 'end') run.copyInMs += tookMs;
      return;
    }
    if (run === undefined) {
      this.violate(`stream ${stream}: ${event} ${name} after the end of its run`);
      return;
    }
    this.#onKernel(run, stream, event, name, tookMs);
  }

  #onKernel(run: WatchedRun, stream: number, event: string, name: string, tookMs: number): void {
    if (event === 'submit') {
      this.#onSubmit(run, stream, name);
      this.window.onSubmit(run, stream, name);
    } else if (event === 'start') this.window.onStart(stream);
    else {
      run.longestKernelMs = Math.max(run.longestKernelMs, tookMs);
      if (event === 'end') run.ended.add(name);
      this.window.onEnd(stream, name);
    }
  }

  /** After its stop at most the node that was being submitted at that instant may follow. */
  #onSubmit(run: WatchedRun, stream: number, name: string): void {
    if (run.spec.mode === 'none' || !this.isStopped(run)) return;
    const count = (run.submittedAfterStop.get(stream) ?? 0) + 1;
    run.submittedAfterStop.set(stream, count);
    if (count > 1) this.violate(`${run.name}: ${count} nodes submitted after the stop, the last ${name}`);
  }
}
