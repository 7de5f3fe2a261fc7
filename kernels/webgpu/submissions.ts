/** The queue of one device: work is encoded, submitted with a fence behind it, and waited for. */
import { yieldToEventLoop } from '../../scheduler/clock.js';
import { curfewError } from '../../scheduler/errors.js';
import type { Mark, WorkQueue } from '../../scheduler/work-queue.js';
import type { DeviceWait } from './device-wait.js';
import { encodeFence, type Fence, type FencePool, TIMED_NODES } from './fences.js';
import type { TimedNode, WorkTimes } from './work-times.js';

/** Dawn frees what JavaScript has dropped in turns of the event loop only, so there is one for so many submissions. */
const SUBMISSIONS_PER_TURN = 256;
/** Most nodes that one submission is put off for. */
export const MAX_BATCH = 16;
/** Most submissions in flight. */
export const MAX_IN_FLIGHT = 1024;
/** Failures beyond the first follow from it, as a rule, and there may be one for each node. */
const MAX_MESSAGE_LENGTH = 600;

interface Submission {
  readonly mark: Mark;
  readonly fence: Fence;
  readonly nodes: readonly TimedNode[];
  readonly times: WorkTimes | undefined;
}

export class Submissions implements WorkQueue {
  readonly fences = 'each';
  readonly #device: GPUDevice;
  readonly #pool: FencePool;
  readonly #wait: DeviceWait;
  /** Called in each turn of the event loop. */
  readonly #onTurn: () => void;
  readonly #inFlight: Submission[] = [];
  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;
  /** The fence of what is being encoded, if times are taken. */
  #fence: Fence | undefined;
  #times: WorkTimes | undefined;
  #nodes: TimedNode[] = [];
  #timedNodes = 0;
  #node: TimedNode | undefined;
  #submitted = 0;
  #reached = 0;
  #sinceTurn = 0;
  /** Submits since the last submission that were deferred, and how many of them make one. */
  #deferred = 0;
  #batch = 1;
  #failure: Error | undefined;

  constructor(device: GPUDevice, pool: FencePool, wait: DeviceWait, onTurn: () => void) {
    this.#device = device;
    this.#pool = pool;
    this.#wait = wait;
    this.#onTurn = onTurn;
    device.onuncapturederror = (event) => {
      event.preventDefault();
      this.#failure ??= failureOf(event.error);
    };
  }

  /** Tells when the work handed over from now on ran; or, given `undefined`, of none. */
  timeWork(times: WorkTimes | undefined): void {
    this.flush();
    this.#times = times;
  }

  get times(): WorkTimes | undefined {
    return this.#times;
  }

  /** A node begins. Until it ends, what is encoded is its work. */
  beginNode(): void {
    if (this.#times === undefined) return;
    this.#endPass();
    if (this.#timedNodes === TIMED_NODES) this.flush();
    this.#node = { kind: 'none' };
  }

  /** The node has run on this thread. */
  ranOnHost(startMs: number, endMs: number): void {
    if (this.#node !== undefined) this.#node = { kind: 'host', startMs, endMs };
  }

  endNode(): void {
    if (this.#node === undefined) return;
    this.#endPass();
    this.#nodes.push(this.#node);
    this.#node = undefined;
  }

  /** The node has failed: it is not told of. */
  dropNode(): void {
    this.#endPass();
    this.#node = undefined;
  }

  /** Where to encode computations. */
  pass(): GPUComputePassEncoder {
    if (this.#pass !== undefined) return this.#pass;
    const encoder = this.#ensureEncoder();
    this.#pass = this.#node === undefined ? encoder.beginComputePass() : this.#timedPass(encoder);
    return this.#pass;
  }

  #timedPass(encoder: GPUCommandEncoder): GPUComputePassEncoder {
    this.#fence ??= this.#pool.take();
    const { set } = this.#pool.queriesOf(this.#fence);
    const query = this.#timedNodes++;
    this.#node = { kind: 'gpu', query };
    const timestampWrites = {
      querySet: set,
      beginningOfPassWriteIndex: query * 2,
      endOfPassWriteIndex: query * 2 + 1,
    };
    return encoder.beginComputePass({ timestampWrites });
  }

  /** Where to encode copies. */
  encoder(): GPUCommandEncoder {
    this.#endPass();
    return this.#ensureEncoder();
  }

  #ensureEncoder(): GPUCommandEncoder {
    this.#encoder ??= this.#device.createCommandEncoder();
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
    this.#onTurn();
    return mark;
  }

  /** Submits what is encoded, if anything is. Does not wait. */
  flush(): Mark {
    if (this.#encoder === undefined && this.#nodes.length === 0 && this.#deferred === 0)
      return this.#submitted as Mark;
    const encoder = this.encoder();
    const fence = this.#fence ?? this.#pool.take();
    encodeFence(encoder, fence, this.#timedNodes);
    this.#device.queue.submit([encoder.finish()]);
    this.#sinceTurn++;
    this.#deferred = 0;
    // An idle device gets its first work soon.
    this.#batch = Math.min(MAX_BATCH, this.#inFlight.length === 0 ? 2 : this.#batch * 2);
    const mark = ++this.#submitted as Mark;
    this.#inFlight.push({ mark, fence, nodes: this.#nodes, times: this.#times });
    this.#encoder = undefined;
    this.#fence = undefined;
    this.#nodes = [];
    this.#timedNodes = 0;
    return mark;
  }

  reached(mark: Mark): boolean {
    return mark <= this.#reached && this.#failure === undefined;
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
      const next = this.#inFlight.findIndex(({ times, mark: end }) => times !== undefined || end >= mark);
      const submission = this.#inFlight[next]!;
      waited = this.#wait.map(submission.fence.buffer) || waited;
      if (submission.times !== undefined) this.#tellTimes(submission, submission.times);
      submission.fence.buffer.unmap();
      this.#reached = submission.mark;
      for (const { fence } of this.#inFlight.splice(0, next + 1)) this.#pool.give(fence);
    }
    return waited;
  }

  #tellTimes({ fence, nodes }: Submission, times: WorkTimes): void {
    times.ran(nodes, new BigUint64Array(fence.buffer.getMappedRange()));
  }

  /** Throws what has failed and was not told yet. */
  throwFailure(): void {
    const failure = this.#failure;
    this.#failure = undefined;
    if (failure !== undefined) throw failure;
  }

  /** Waits for all that the device was asked, and passes over what has failed. Returns whether anything has. */
  forgetFailure(): boolean {
    this.encoder();
    this.#reach(this.flush());
    const hasFailed = this.#failure !== undefined;
    this.#failure = undefined;
    return hasFailed;
  }

  /** Whether everything submitted is over; nothing is pending afterwards. */
  isIdle(): boolean {
    const last = this.#inFlight.at(-1);
    if (last === undefined || this.#wait.isLost) return true;
    if (!this.#wait.tryMap(last.fence.buffer, 2)) return this.#wait.isLost;
    last.fence.buffer.unmap();
    return true;
  }
}

/** What the device says of work it refuses. */
function failureOf(error: GPUError): Error {
  const code = error.constructor.name === 'GPUOutOfMemoryError' ? 'OUT_OF_MEMORY' : 'KERNEL_FAILED';
  const message = error.message.trim();
  return curfewError(code, `the GPU: ${message.slice(0, MAX_MESSAGE_LENGTH)}`, { cause: message });
}
