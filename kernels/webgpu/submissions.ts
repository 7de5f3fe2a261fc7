/** The queue of one device: work is encoded, submitted with a fence behind it, and waited for. */
import { yieldToEventLoop } from '../../scheduler/clock.js';
import { curfewError } from '../../scheduler/errors.js';
import type { Mark, WorkQueue } from '../../scheduler/work-queue.js';
import type { Failures } from './failures.js';
import { encodeFence, type Fence, type FencePool, TIMED_NODES } from './fences.js';
import type { MapWait } from './map-wait.js';
import { NodeTimer, type TimedNodes } from './node-timer.js';
import type { WorkTimes } from './work-times.js';

/** Dawn frees what JavaScript has dropped in turns of the event loop only, so there is one for so many submissions. */
const SUBMISSIONS_PER_TURN = 256;
/** Most nodes that one submission is put off for: as many as it can time. */
export const MAX_BATCH = TIMED_NODES;
/** Most submissions in flight. */
export const MAX_IN_FLIGHT = 1024;
/** A failure may bring about another, but not for ever. */
const MAX_CONSEQUENCES = 16;

interface Submission {
  readonly mark: Mark;
  readonly fence: Fence;
  readonly timed: TimedNodes;
}

/** What the queue works with. */
export interface SubmissionParts {
  readonly device: GPUDevice;
  readonly fences: FencePool;
  readonly failures: Failures;
  readonly wait: MapWait;
}

export class Submissions implements WorkQueue {
  readonly fences = 'each';
  readonly timer = new NodeTimer();
  readonly #parts: SubmissionParts;
  readonly #inFlight: Submission[] = [];
  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;
  /** The fence of what is being encoded, if times are taken. */
  #fence: Fence | undefined;
  #submitted = 0;
  #reached = 0;
  #sinceTurn = 0;
  /** Submits since the last submission that were deferred, and how many of them make one. */
  #deferred = 0;
  #batch = 1;

  constructor(parts: SubmissionParts) {
    this.#parts = parts;
  }

  /** Tells when the work handed over from now on ran; or, given `undefined`, of none. */
  timeWork(times: WorkTimes | undefined): void {
    this.flush();
    this.timer.times = times;
  }

  /** Has all that is encoded within it told as one node, unless it throws. */
  inNode(work: () => void): void {
    const { timer } = this;
    if (timer.times === undefined) {
      work();
      return;
    }
    this.#endPass();
    if (timer.isFull) this.flush();
    timer.begin();
    try {
      work();
      timer.end();
    } finally {
      timer.drop();
      this.#endPass();
    }
  }

  /** Where to encode computations. */
  pass(): GPUComputePassEncoder {
    this.#pass ??= this.#beginPass();
    return this.#pass;
  }

  #beginPass(): GPUComputePassEncoder {
    const { fences } = this.#parts;
    if (!this.timer.isTiming) return this.#ensureEncoder().beginComputePass();
    this.#fence ??= fences.take();
    const timestampWrites = this.timer.timePass(fences.queriesOf(this.#fence));
    return this.#ensureEncoder().beginComputePass({ timestampWrites });
  }

  #ensureEncoder(): GPUCommandEncoder {
    this.#encoder ??= this.#parts.device.createCommandEncoder();
    return this.#encoder;
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = undefined;
  }

  submit(mayDefer = false): Mark | Promise<Mark> {
    if (mayDefer && ++this.#deferred < this.#batch) return (this.#submitted + 1) as Mark;
    const mark = this.flush();
    if (this.#inFlight.length >= MAX_IN_FLIGHT) this.#reach(this.#inFlight[MAX_IN_FLIGHT / 2]!.mark);
    return this.#sinceTurn < SUBMISSIONS_PER_TURN ? mark : this.#afterTurn(mark);
  }

  async #afterTurn(mark: Mark): Promise<Mark> {
    this.#sinceTurn = 0;
    await yieldToEventLoop();
    return mark;
  }

  /** Submits what is encoded, if anything is. Does not wait. */
  flush(): Mark {
    const isNeeded = this.#encoder !== undefined || this.timer.hasNodes || this.#deferred > 0;
    return isNeeded ? this.#handOver() : (this.#submitted as Mark);
  }

  #handOver(): Mark {
    const fence = this.#fence ?? this.#parts.fences.take();
    this.#fence = undefined;
    const encoder = this.#ensureEncoder();
    this.#endPass();
    this.#encoder = undefined;
    const timed = this.timer.take();
    encodeFence(encoder, fence, timed.queries);
    this.#parts.device.queue.submit([encoder.finish()]);
    this.#sinceTurn++;
    this.#deferred = 0;
    // An idle device gets its first work soon.
    this.#batch = Math.min(MAX_BATCH, this.#inFlight.length === 0 ? 2 : this.#batch * 2);
    const mark = ++this.#submitted as Mark;
    this.#inFlight.push({ mark, fence, timed });
    return mark;
  }

  reached(mark: Mark): boolean {
    return mark <= this.#reached && this.#parts.failures.isEmpty;
  }

  wait(mark: Mark): boolean {
    if (mark > this.#submitted) this.flush();
    const waited = this.#reach(mark);
    this.throwFailure();
    return waited;
  }

  #reach(mark: Mark): boolean {
    let waited = false;
    while (this.#reached < mark) {
      // Those between the first and the mark need not be asked for, unless they have times to tell.
      const next = this.#inFlight.findIndex(
        ({ timed, mark: end }) => timed.times !== undefined || end >= mark,
      );
      waited = this.#parts.wait.map(this.#inFlight[next]!.fence.buffer) || waited;
      const over = this.#inFlight.splice(0, next + 1);
      this.#end(over);
    }
    return waited;
  }

  /** The last of them is mapped. */
  #end(over: readonly Submission[]): void {
    const { mark, fence, timed } = over.at(-1)!;
    this.#reached = mark;
    try {
      if (timed.times !== undefined)
        timed.times.ran(timed.nodes, new BigUint64Array(fence.buffer.getMappedRange()));
    } finally {
      fence.buffer.unmap();
      for (const each of over) this.#parts.fences.give(each.fence);
    }
  }

  /** Throws what has failed and was not told yet; what it brings about goes with it. */
  throwFailure(): void {
    const failure = this.#parts.failures.take();
    if (failure === undefined) return;
    try {
      this.forgetFailures();
    } catch {
      // A device that is lost, or good for nothing, is found out by whoever asks it next.
    }
    throw failure;
  }

  /**
   * Waits for all that the device was asked, and passes over what has failed.
   *
   * @throws DEVICE_LOST
   */
  forgetFailures(): void {
    for (let attempt = 0; attempt < MAX_CONSEQUENCES; attempt++) {
      this.#ensureEncoder();
      this.#reach(this.flush());
      if (this.#parts.failures.take() === undefined) return;
    }
    throw curfewError('DEVICE_LOST', 'the GPU refuses everything that it is asked');
  }

  /** Whether everything submitted is over; nothing is pending afterwards. */
  isIdle(): boolean {
    const { wait } = this.#parts;
    const last = this.#inFlight.at(-1);
    if (last === undefined || wait.isLost) return true;
    if (!wait.tryMap(last.fence.buffer, 2)) return wait.isLost;
    last.fence.buffer.unmap();
    return true;
  }
}
