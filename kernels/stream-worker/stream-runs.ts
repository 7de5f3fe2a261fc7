/** The runs open on a stream, as the main thread keeps them: what was submitted, what has begun, what is to be told. */
import { type ErrorRecord, invariant } from '../../scheduler/errors.js';
import type { StreamProgram } from '../../scheduler/program.js';
import type { Leaving, ProgramKey, SlotIndex, StreamRun } from '../../scheduler/stream.js';
import { nextTicket, takeBackSegments } from './claims.js';
import type { FromStream, SegmentEnd, ToStream } from './protocol.js';
import { notBegun } from './segment-end.js';

/** A run open on the stream. */
interface OpenRun {
  readonly run: StreamRun;
  /** Segments that the thread has been sent and that have not ended, in order. */
  readonly submitted: number[];
  /** Segments taken back, to be told of after the one that is executing. */
  readonly takenBack: number[];
  /** Whether the thread has ended one of its segments, and so may hold something of it. */
  begun: boolean;
  /** The thread has said that it stopped or failed: by then it had released all the run held. */
  over: boolean;
  closed: (() => void) | undefined;
}

/** What the runs of a stream need of it. */
export interface StreamRunsHost {
  /** See `claims.ts`. */
  readonly claims: Int32Array;
  post(message: ToStream): void;
  program(key: ProgramKey): StreamProgram;
  /** Why the stream cannot execute the program at present. */
  refusal(key: ProgramKey): ErrorRecord | undefined;
  /** Whether the thread has something else to do first: load programs, or end and be replaced. */
  isOccupied(): boolean;
  /** A run has left. */
  onLeft(): void;
}

const LEFT: Leaving = Object.freeze({ done: Promise.resolve(), behindOthers: false });

export class StreamRuns {
  readonly #host: StreamRunsHost;
  readonly #runs = new Map<SlotIndex, OpenRun>();
  /** Last ticket of each slot, see `claims.ts`. */
  readonly #tickets = new Map<SlotIndex, number>();

  constructor(host: StreamRunsHost) {
    this.#host = host;
  }

  get isEmpty(): boolean {
    return this.#runs.size === 0;
  }

  open(run: StreamRun): void {
    invariant(!this.#runs.has(run.slot), `slot ${run.slot} is free on the stream before a run is opened`);
    this.#runs.set(run.slot, {
      run,
      submitted: [],
      takenBack: [],
      begun: false,
      over: false,
      closed: undefined,
    });
  }

  submit(slot: SlotIndex, segment: number): void {
    this.#send(this.#open(slot), segment);
  }

  /** Hands a segment to the thread, or fails it when the thread has refused its program. */
  #send(open: OpenRun, segment: number): void {
    const { slot, program, mode, timeline } = open.run;
    const refusal = this.#host.refusal(program);
    if (refusal !== undefined) {
      // Nothing is told before the call has returned.
      queueMicrotask(() => {
        if (this.#runs.get(slot) !== open) return;
        open.run.onEvent({ ...notBegun(slot, segment), kind: 'segment', status: 'failed', error: refusal });
      });
      return;
    }
    open.submitted.push(segment);
    const ticket = nextTicket(this.#tickets.get(slot) ?? 0);
    this.#tickets.set(slot, ticket);
    this.#host.post({ type: 'segment', slot, key: program, segment, mode, timeline, ticket });
  }

  takeBack(slot: SlotIndex): void {
    const open = this.#runs.get(slot);
    if (open === undefined || open.run.mode.kind === 'none') return;
    const count = Math.min(this.#notBegun(slot), open.submitted.length);
    open.takenBack.push(...open.submitted.splice(open.submitted.length - count, count));
    this.#tellTakenBack(slot, open);
  }

  /** Takes from the thread what it has not begun of a slot. Returns how many segments that were. */
  #notBegun(slot: SlotIndex): number {
    return takeBackSegments(this.#host.claims, slot, this.#tickets.get(slot) ?? 0);
  }

  #tellTakenBack(slot: SlotIndex, open: OpenRun): void {
    if (open.submitted.length > 0) return;
    for (const segment of open.takenBack.splice(0)) {
      const { segments, steps } = this.#host.program(open.run.program);
      const stoppedBefore = steps[segments[segment]!.firstStep]!.node.id;
      open.run.onEvent({ ...notBegun(slot, segment), kind: 'segment', status: 'stopped', stoppedBefore });
    }
  }

  onNodes({ slot, nodes, outputs }: FromStream & { type: 'nodes' }): void {
    this.#runs.get(slot)?.run.onEvent({ kind: 'nodes', nodes, outputs });
  }

  /** A segment has ended on the thread. */
  onSegment(message: SegmentEnd): void {
    const open = this.#runs.get(message.slot);
    // The run may have been evicted meanwhile.
    if (open === undefined) return;
    const place = open.submitted.indexOf(message.segment);
    invariant(place !== -1, `segment ${message.segment} of slot ${message.slot} was submitted`);
    open.submitted.splice(place, 1);
    open.begun = true;
    open.over ||= message.status !== 'completed';
    open.run.onEvent({ ...message, kind: 'segment' });
    this.#tellTakenBack(message.slot, open);
  }

  /** Whether the thread has something of this run to execute. */
  isBusyWith(slot: SlotIndex): boolean {
    return (this.#runs.get(slot)?.submitted.length ?? 0) > 0;
  }

  close(slot: SlotIndex, clean: boolean): Leaving {
    const open = this.#runs.get(slot);
    if (open === undefined) return LEFT;
    invariant(open.submitted.length === 0, `slot ${slot} is closed after all its segments have ended`);
    if (clean || open.over || !open.begun) {
      if (open.over) this.#host.post({ type: 'close', slot, acknowledge: false });
      this.forget(slot);
      return LEFT;
    }
    const others = [...this.#runs.values()].filter((other) => other !== open);
    const behindOthers = this.#host.isOccupied() || others.some(({ submitted }) => submitted.length > 0);
    const done = new Promise<void>((resolve) => {
      open.closed = resolve;
      this.#host.post({ type: 'close', slot, acknowledge: true });
    });
    return { done, behindOthers };
  }

  /** The thread holds nothing of the slot any more. */
  forget(slot: SlotIndex): void {
    const open = this.#runs.get(slot);
    this.#runs.delete(slot);
    open?.closed?.();
    this.#host.onLeft();
  }

  /** Forgets a run in whatever state it is. Returns whether the thread may hold something of it. */
  evict(slot: SlotIndex): boolean {
    const open = this.#runs.get(slot);
    if (open === undefined) return false;
    // What is left unclaimed would keep the slot's next run from being begun.
    const executing = this.#notBegun(slot) < open.submitted.length;
    this.forget(slot);
    return executing || open.begun;
  }

  /**
   * The thread has ended. Runs of which it had begun nothing go on, on its replacement, when there is one; the others
   * are lost. Returns whether it had been executing a segment.
   */
  onThreadEnd(replaced: boolean): { readonly executing: boolean; finish(lost: ErrorRecord): void } {
    const lost: [SlotIndex, OpenRun][] = [];
    let executing = false;
    for (const [slot, open] of this.#runs) {
      const begun = this.#notBegun(slot) < open.submitted.length;
      executing ||= begun;
      if (!replaced || begun || open.begun || open.closed !== undefined) lost.push([slot, open]);
    }
    return {
      executing,
      finish: (error) => {
        for (const [slot] of lost) this.#runs.delete(slot);
        for (const open of this.#runs.values())
          for (const segment of open.submitted.splice(0)) this.#send(open, segment);
        for (const [, { run, closed }] of lost) {
          if (closed !== undefined) closed();
          else run.onEvent({ kind: 'lost', error });
        }
      },
    };
  }

  #open(slot: SlotIndex): OpenRun {
    const open = this.#runs.get(slot);
    invariant(open !== undefined, `slot ${slot} is open on the stream`);
    return open;
  }
}
