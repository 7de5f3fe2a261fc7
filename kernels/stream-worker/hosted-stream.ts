/** The main thread's side of a stream: the life of its thread, and its replacement when it dies. */
import type { DeviceStream, Fallback, StreamMemory } from '../../scheduler/device.js';
import {
  type CurfewError,
  curfewError,
  type ErrorRecord,
  fromErrorRecord,
  toErrorRecord,
} from '../../scheduler/errors.js';
import { MAX_TENSOR_BYTES } from '../../scheduler/limits.js';
import type { StreamProgram } from '../../scheduler/program.js';
import type { Leaving, ProgramKey, SlotIndex, StreamRun } from '../../scheduler/stream.js';
import { AbandonedThreads } from './abandoned-threads.js';
import { readMemory } from './memory-words.js';
import type { FromStream, SegmentEnd, ToStream } from './protocol.js';
import type { Life, ThreadEnd, ToldToEnd } from './stream-life.js';
import { StreamPrograms } from './stream-programs.js';
import { StreamRuns } from './stream-runs.js';
import { NO_THREAD, type StartThread, type StreamThread } from './thread.js';

/** After this many deaths of idle threads, with no segment ended between them, the stream is broken. */
const MAX_IDLE_DEATHS = 4;

/** What a stream is made with. */
export interface HostedStreamOptions {
  readonly index: number;
  /** Starts the stream's thread, and each replacement. */
  readonly start: StartThread;
  /** Statistics the thread writes; see `memory-words.ts`. */
  readonly memory: SharedArrayBuffer;
  /** See `claims.ts`. */
  readonly claims: Int32Array;
  readonly memoryLimitBytes: number | undefined;
}

/** What a stream tells whoever owns it. */
export interface HostedStreamEvents {
  onChange(): void;
  onReplaced(reason: Error): void;
}

/** A stream hosted in a thread of its own, real or virtual. */
export class HostedStream implements DeviceStream {
  readonly index: number;
  readonly #options: HostedStreamOptions;
  readonly #events: HostedStreamEvents;
  readonly #memory: Float64Array;
  readonly #programs: StreamPrograms;
  readonly #runs: StreamRuns;
  readonly #exchanges = new Map<SlotIndex, SharedArrayBuffer>();
  /** Those who wait until the thread has been replaced, or is over. */
  #evicting: (() => void)[] = [];
  readonly #abandoned = new AbandonedThreads();
  #thread: StreamThread = NO_THREAD;
  /** Of a broken stream: until its last thread is over. */
  #lastEnd: Promise<void> | undefined;
  #life: Life = { kind: 'starting' };
  #replaced = 0;
  #idleDeaths = 0;
  #hardware: string | undefined;

  constructor(options: HostedStreamOptions, events: HostedStreamEvents) {
    this.index = options.index;
    this.#options = options;
    this.#events = events;
    this.#memory = new Float64Array(options.memory);
    const post = (message: ToStream) => this.#post(message);
    this.#programs = new StreamPrograms(post);
    this.#runs = new StreamRuns({
      claims: options.claims,
      post,
      program: (key) => this.#programs.get(key),
      refusal: (key) => this.#programs.refusal(key),
      isOccupied: () => this.#life.kind !== 'ready' || this.#programs.isLoading,
      onLeft: () => this.#onLeft(),
    });
    this.#start();
  }

  get available(): boolean {
    return this.#life.kind === 'ready';
  }

  get broken(): CurfewError | undefined {
    return this.#life.kind === 'broken' ? this.#life.error : undefined;
  }

  get replaced(): number {
    return this.#replaced;
  }

  get hardware(): string | undefined {
    return this.#hardware;
  }

  get abandonedThreads(): number {
    return this.#abandoned.count;
  }

  memory(): StreamMemory {
    return readMemory(this.#memory);
  }

  load(key: ProgramKey, program: StreamProgram, constants: SharedArrayBuffer): Promise<readonly Fallback[]> {
    if (this.#life.kind === 'broken') return Promise.reject(this.#life.error);
    if (this.#life.kind === 'closed') return Promise.reject(this.#closedError());
    const loading = this.#programs.load(key, program, constants);
    this.#keepAlive();
    return loading;
  }

  unload(key: ProgramKey): void {
    this.#programs.unload(key);
  }

  setExchange(slot: SlotIndex, buffer: SharedArrayBuffer | undefined): void {
    if (this.#exchanges.get(slot) === buffer) return;
    if (buffer === undefined) this.#exchanges.delete(slot);
    else this.#exchanges.set(slot, buffer);
    this.#post({ type: 'exchange', slot, buffer });
  }

  open(run: StreamRun): void {
    this.#runs.open(run);
    this.#keepAlive();
  }

  submit(slot: SlotIndex, segment: number): void {
    this.#runs.submit(slot, segment);
  }

  takeBack(slot: SlotIndex): void {
    this.#runs.takeBack(slot);
  }

  close(slot: SlotIndex, clean: boolean): Leaving {
    return this.#runs.close(slot, clean);
  }

  abandon(slot: SlotIndex, reason: Error): void {
    if (this.#runs.isBusyWith(slot)) this.#end({ kind: 'evicted' }, reason);
  }

  evict(slot: SlotIndex, reason: Error): Promise<void> {
    if (!this.#runs.evict(slot)) return Promise.resolve();
    this.#end({ kind: 'evicted' }, reason);
    if (this.#life.kind !== 'ending') return Promise.resolve();
    return new Promise((resolve) => this.#evicting.push(resolve));
  }

  /** Ends the thread for good. Whatever runs on it is lost. */
  async terminate(): Promise<void> {
    if (this.#life.kind !== 'broken') this.#life = { kind: 'closed' };
    await Promise.all([this.#thread.terminate(), this.#lastEnd]);
    const closed = toErrorRecord(this.#closedError(), 'ENGINE_CLOSED');
    this.#memory.fill(0);
    this.#loseEverything(closed, closed);
  }

  #closedError(): CurfewError {
    return curfewError('ENGINE_CLOSED', `stream ${this.index}: the engine was closed`);
  }

  #post(message: ToStream): void {
    this.#thread.post(message);
  }

  /** Starts a thread. What it tells after its end, or when another has taken its place, is not heard. */
  #start(): void {
    let thread: StreamThread | undefined;
    try {
      thread = this.#options.start({
        onMessage: (message) => {
          if (thread === this.#thread) this.#onMessage(message);
        },
        onExit: (reason) => {
          this.#abandoned.note(thread!);
          if (thread === this.#thread) this.#onExit(reason);
        },
      });
    } catch (cause) {
      this.#thread = NO_THREAD;
      this.#break(this.#unavailable(cause instanceof Error ? cause : new Error(String(cause))));
      return;
    }
    this.#thread = thread;
  }

  #unavailable(cause: Error): CurfewError {
    return curfewError('DEVICE_UNAVAILABLE', `stream ${this.index}: ${cause.message}`, { cause });
  }

  #onMessage(message: FromStream): void {
    switch (message.type) {
      case 'ready':
        this.#hardware = message.hardware;
        this.#onReady();
        break;
      case 'unavailable':
        this.#break(fromErrorRecord(message.error));
        break;
      case 'loaded':
        this.#programs.onLoaded(message.key, message.fallbacks);
        this.#keepAlive();
        break;
      case 'not-loaded':
        if (message.defunct)
          this.#end({ kind: 'trapped-loading', key: message.key }, fromErrorRecord(message.error));
        this.#programs.onRefused(message.key, message.error);
        this.#keepAlive();
        break;
      case 'nodes':
        this.#runs.onNodes(message);
        break;
      case 'segment':
        this.#onSegment(message);
        break;
      case 'closed':
        this.#runs.forget(message.slot);
        break;
    }
  }

  #onReady(): void {
    if (this.#life.kind !== 'starting') return;
    this.#life = { kind: 'ready' };
    this.#keepAlive();
    this.#events.onChange();
  }

  #onSegment(message: SegmentEnd): void {
    this.#idleDeaths = 0;
    // A heap that has grown to its limit never shrinks: only a new thread gives the memory back.
    const filled = message.error?.code === 'OUT_OF_MEMORY' && this.#heapIsTheLimit();
    if (filled && this.#life.kind === 'ready') this.#life = { kind: 'filled' };
    if (message.defunct) {
      // What the runs held went with the instance; the thread writes no statistics any more.
      this.#memory.fill(0);
      this.#end({ kind: 'trapped-executing' }, fromErrorRecord(message.error!));
    }
    this.#runs.onSegment(message);
  }

  #heapIsTheLimit(): boolean {
    const limit = this.#options.memoryLimitBytes;
    return limit === undefined || limit >= MAX_TENSOR_BYTES;
  }

  #onLeft(): void {
    this.#keepAlive();
    if (this.#life.kind === 'filled' && this.#runs.isEmpty) {
      const reason = curfewError('OUT_OF_MEMORY', `stream ${this.index}: the heap had grown to its limit`);
      this.#end({ kind: 'retired' }, reason);
    }
  }

  /** Ends a thread that must not go on; it is replaced once it is over. */
  #end(end: ToldToEnd, reason: Error): void {
    if (this.#life.kind !== 'ready' && this.#life.kind !== 'filled') return;
    this.#life = { kind: 'ending', end, reason };
    this.#keepAlive();
    void this.#thread.terminate();
  }

  #onExit(reason: Error): void {
    switch (this.#life.kind) {
      case 'closed':
      case 'broken':
        break;
      case 'starting':
        this.#break(this.#unavailable(reason));
        break;
      case 'ready':
      case 'filled':
        this.#replace(reason);
        break;
      case 'ending':
        this.#replace(this.#life.reason, this.#life.end);
        break;
    }
  }

  /** Starts a thread in place of one that has ended, and sends it what it needs to go on. Unless `told`, it has died. */
  #replace(reason: Error, told?: ToldToEnd): void {
    const lost = toErrorRecord(lostError(this.index, reason), 'DEVICE_LOST');
    const left = this.#runs.onThreadEnd(true);
    const end = told ?? { kind: left.executing ? 'died-executing' : 'died-idle' };
    const blame = this.#verdictOn(end);
    if (blame === undefined) {
      const hanging = this.#abandoned.areTooMany ? ', as too many of its threads hang,' : '';
      this.#break(lostError(this.index, reason, `is not replaced again${hanging}`));
      return;
    }
    this.#life = { kind: 'starting' };
    this.#memory.fill(0);
    this.#start();
    // No thread could be started: everything is lost, and nothing was replaced.
    if (this.#life.kind !== 'starting') return;
    this.#replaced++;
    for (const [slot, buffer] of this.#exchanges) this.#post({ type: 'exchange', slot, buffer });
    blame(lost);
    this.#programs.replay();
    left.finish(lost);
    this.#finishEvictions();
    this.#keepAlive();
    this.#events.onReplaced(reason);
  }

  /**
   * Whose fault the end of a thread was. Returns what counts it against a program, once another thread is there; `undefined`
   * when none is to follow.
   */
  #verdictOn(end: ThreadEnd): ((lost: ErrorRecord) => void) | undefined {
    if (this.#abandoned.areTooMany) return undefined;
    switch (end.kind) {
      case 'died-idle':
        if (++this.#idleDeaths >= MAX_IDLE_DEATHS) return undefined;
        return (lost) => this.#programs.suspectFirst(lost);
      case 'trapped-loading':
        // Not the stream's: it must outlive any number of such programs.
        return () => this.#programs.countDeath(end.key);
      case 'died-executing':
      case 'trapped-executing':
      case 'retired':
      case 'evicted':
        return () => undefined;
    }
  }

  /** The stream will not come back. */
  #break(error: CurfewError): void {
    if (this.#life.kind === 'closed' || this.#life.kind === 'broken') return;
    this.#life = { kind: 'broken', error };
    const thread = this.#thread;
    this.#thread = NO_THREAD;
    this.#lastEnd = thread.terminate();
    this.#loseEverything(
      toErrorRecord(error, 'DEVICE_UNAVAILABLE'),
      toErrorRecord(lostError(this.index, error, 'could not be replaced'), 'DEVICE_LOST'),
    );
    this.#events.onChange();
  }

  #loseEverything(ofPrograms: ErrorRecord, ofRuns: ErrorRecord): void {
    this.#programs.lose(ofPrograms);
    this.#runs.onThreadEnd(false).finish(ofRuns);
    this.#finishEvictions();
  }

  #finishEvictions(): void {
    for (const resolve of this.#evicting.splice(0)) resolve();
  }

  /** The thread keeps the process alive while something is to come from it, and not otherwise. */
  #keepAlive(): void {
    const { kind } = this.#life;
    // One that was told to end may still tell something before it has.
    const comesOrGoes = kind === 'starting' || kind === 'ending' || kind === 'closed';
    if (comesOrGoes || !this.#runs.isEmpty || this.#programs.awaited) this.#thread.ref();
    else this.#thread.unref();
  }
}

function lostError(stream: number, cause: Error, what = 'was replaced'): CurfewError {
  return curfewError('DEVICE_LOST', `stream ${stream} died and ${what}: ${cause.message}`, { cause });
}
