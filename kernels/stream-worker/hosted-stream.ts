/** The main thread's side of a stream: its thread, what runs on it, and its replacement when it dies. */
import type { DeviceStream, Fallback, StreamMemory } from '../../scheduler/device.js';
import {
  type CurfewError,
  curfewError,
  type ErrorRecord,
  fromErrorRecord,
  invariant,
  toErrorRecord,
} from '../../scheduler/errors.js';
import { MAX_TENSOR_BYTES } from '../../scheduler/limits.js';
import type { StreamProgram } from '../../scheduler/program.js';
import type { ProgramKey, SlotIndex, StreamRun } from '../../scheduler/stream.js';
import { nextTicket, takeBackSegments } from './claims.js';
import { type FromStream, MEMORY, type SegmentEnd, type ToStream } from './protocol.js';
import type { StartThread, StreamThread } from './thread.js';

/** A program the stream keeps, so that a replacement can be sent it. */
interface StreamLoad {
  readonly program: StreamProgram;
  readonly constants: SharedArrayBuffer;
  settle: { resolve(fallbacks: readonly Fallback[]): void; reject(error: CurfewError): void } | undefined;
}

/** A run open on the stream. */
interface OpenRun {
  readonly run: StreamRun;
  /** Segments submitted and not ended, in order. */
  readonly submitted: number[];
  /** Segments taken back, to be told of after the one that is executing. */
  readonly takenBack: number[];
  /** Whether the thread has begun one of its segments, and so may hold something of it. */
  begun: boolean;
  /** The thread has said that it stopped or failed: by then it had released all the run held. */
  over: boolean;
  closed: (() => void) | undefined;
}

/** What a stream is made with. */
export interface HostedStreamOptions {
  readonly index: number;
  /** Starts the stream's thread, and each replacement. */
  readonly start: StartThread;
  /** Statistics the thread writes; see `MEMORY`. */
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
  readonly #loads = new Map<ProgramKey, StreamLoad>();
  /** Programs that a replacement could not load again. */
  readonly #refused = new Map<ProgramKey, ErrorRecord>();
  readonly #runs = new Map<SlotIndex, OpenRun>();
  readonly #exchanges = new Map<SlotIndex, SharedArrayBuffer>();
  /** Last ticket of each slot, see `claims.ts`. */
  readonly #tickets = new Map<SlotIndex, number>();
  #thread: StreamThread;
  #state: 'starting' | 'ready' | 'retiring' | 'broken' | 'closed' = 'starting';
  #broken: CurfewError | undefined;
  /** Why the thread is being ended. */
  #retired: Error | undefined;
  #replaced = 0;

  constructor(options: HostedStreamOptions, events: HostedStreamEvents) {
    this.index = options.index;
    this.#options = options;
    this.#events = events;
    this.#memory = new Float64Array(options.memory);
    this.#thread = this.#start();
  }

  get available(): boolean {
    return this.#state === 'ready';
  }

  get broken(): CurfewError | undefined {
    return this.#broken;
  }

  get replaced(): number {
    return this.#replaced;
  }

  memory(): StreamMemory {
    return {
      liveBytes: this.#memory[MEMORY.runBytes]!,
      peakBytes: this.#memory[MEMORY.runPeakBytes]!,
      constantBytes: this.#memory[MEMORY.constantBytes]!,
    };
  }

  load(key: ProgramKey, program: StreamProgram, constants: SharedArrayBuffer): Promise<readonly Fallback[]> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    return new Promise((resolve, reject) => {
      this.#loads.set(key, { program, constants, settle: { resolve, reject } });
      this.#keepAlive();
      this.#post({ type: 'load', key, program, constants });
    });
  }

  unload(key: ProgramKey): void {
    this.#refused.delete(key);
    if (this.#loads.delete(key)) this.#post({ type: 'unload', key });
  }

  setExchange(slot: SlotIndex, buffer: SharedArrayBuffer | undefined): void {
    if (this.#exchanges.get(slot) === buffer) return;
    if (buffer === undefined) this.#exchanges.delete(slot);
    else this.#exchanges.set(slot, buffer);
    this.#post({ type: 'exchange', slot, buffer });
  }

  open(run: StreamRun): void {
    invariant(
      !this.#runs.has(run.slot),
      `slot ${run.slot} is free on stream ${this.index} before a run is opened`,
    );
    // Segments that a thread took with it when it died are nobody's.
    this.#takeBackAll(run.slot);
    this.#runs.set(run.slot, {
      run,
      submitted: [],
      takenBack: [],
      begun: false,
      over: false,
      closed: undefined,
    });
    this.#keepAlive();
  }

  submit(slot: SlotIndex, segment: number): void {
    const open = this.#open(slot);
    open.submitted.push(segment);
    const { program, mode, timeline } = open.run;
    const refusal = this.#refused.get(program);
    if (refusal !== undefined) {
      const end: SegmentEnd = { ...notBegun(slot, segment), status: 'failed', error: refusal };
      queueMicrotask(() => this.#onMessage(end));
      return;
    }
    const ticket = mode.kind === 'none' ? undefined : this.#newTicket(slot);
    this.#post({ type: 'segment', slot, key: program, segment, mode, timeline, ticket });
  }

  takeBack(slot: SlotIndex): void {
    const open = this.#runs.get(slot);
    if (open === undefined || open.run.mode.kind === 'none') return;
    const count = this.#takeBackAll(slot);
    open.takenBack.push(...open.submitted.splice(open.submitted.length - count, count));
    this.#tellTakenBack(slot, open);
  }

  close(slot: SlotIndex, clean: boolean): Promise<void> {
    const open = this.#runs.get(slot);
    if (open === undefined) return Promise.resolve();
    invariant(open.submitted.length === 0, `slot ${slot} is closed after all its segments have ended`);
    if (clean || open.over || !open.begun) {
      if (open.over) this.#post({ type: 'close', slot, acknowledge: false });
      this.#forget(slot);
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      open.closed = resolve;
      this.#post({ type: 'close', slot, acknowledge: true });
    });
  }

  abandon(slot: SlotIndex, reason: Error): void {
    const hangs = (this.#runs.get(slot)?.submitted.length ?? 0) > 0;
    if (hangs && (this.available || this.#state === 'retiring')) this.#retire(reason);
  }

  /** Ends the worker. Whatever runs on it is lost. */
  async terminate(): Promise<void> {
    this.#state = 'closed';
    await this.#thread.terminate();
    this.#loseEverything(
      toErrorRecord(
        curfewError('ENGINE_CLOSED', `stream ${this.index}: the engine was closed`),
        'ENGINE_CLOSED',
      ),
    );
  }

  #tellTakenBack(slot: SlotIndex, open: OpenRun): void {
    if (open.submitted.length > 0) return;
    for (const segment of open.takenBack.splice(0)) {
      const { segments, steps } = this.#loads.get(open.run.program)!.program;
      const stoppedBefore = steps[segments[segment]!.firstStep]!.node.id;
      open.run.onEvent({ ...notBegun(slot, segment), kind: 'segment', status: 'stopped', stoppedBefore });
    }
  }

  #takeBackAll(slot: SlotIndex): number {
    return takeBackSegments(this.#options.claims, slot, this.#tickets.get(slot) ?? 0);
  }

  #newTicket(slot: SlotIndex): number {
    const ticket = nextTicket(this.#tickets.get(slot) ?? 0);
    this.#tickets.set(slot, ticket);
    return ticket;
  }

  #open(slot: SlotIndex): OpenRun {
    const open = this.#runs.get(slot);
    invariant(open !== undefined, `slot ${slot} is open on stream ${this.index}`);
    return open;
  }

  #post(message: ToStream): void {
    if (this.#broken === undefined) this.#thread.post(message);
  }

  #start(): StreamThread {
    const thread: StreamThread = this.#options.start({
      onMessage: (message) => {
        if (thread === this.#thread) this.#onMessage(message);
      },
      onExit: (reason) => {
        if (thread === this.#thread) this.#onExit(reason);
      },
    });
    return thread;
  }

  #onMessage(message: FromStream): void {
    switch (message.type) {
      case 'ready':
        this.#state = 'ready';
        this.#keepAlive();
        this.#events.onChange();
        break;
      case 'unavailable':
        this.#break(fromErrorRecord(message.error));
        break;
      case 'loaded':
        this.#settleLoad(message.key, ({ resolve }) => resolve(message.fallbacks));
        break;
      case 'not-loaded':
        this.#dropLoad(message.key, message.error);
        break;
      case 'node':
        this.#open(message.slot).run.onEvent({ kind: 'node', node: message.node, outputs: message.outputs });
        break;
      case 'segment':
        this.#onSegment(message);
        break;
      case 'closed':
        this.#forget(message.slot);
        break;
      case 'defunct':
        this.#retire(fromErrorRecord(message.error));
        break;
    }
  }

  #onSegment(message: FromStream & { type: 'segment' }): void {
    const open = this.#open(message.slot);
    open.submitted.splice(open.submitted.indexOf(message.segment), 1);
    open.begun = true;
    open.over ||= message.status !== 'completed';
    // A heap that has grown to its limit never shrinks: only a new worker gives the memory back.
    if (message.error?.code === 'OUT_OF_MEMORY' && this.#heapIsTheLimit()) this.#state = 'retiring';
    open.run.onEvent({ ...message, kind: 'segment' });
    this.#tellTakenBack(message.slot, open);
  }

  #heapIsTheLimit(): boolean {
    const limit = this.#options.memoryLimitBytes;
    return limit === undefined || limit >= MAX_TENSOR_BYTES;
  }

  #settleLoad(key: ProgramKey, how: (settle: NonNullable<StreamLoad['settle']>) => void): void {
    const load = this.#loads.get(key);
    if (load?.settle !== undefined) how(load.settle);
    if (load !== undefined) load.settle = undefined;
    this.#keepAlive();
  }

  #dropLoad(key: ProgramKey, error: ErrorRecord): void {
    // The caller learns of a first load from its promise; of a replacement's, from each run.
    if (this.#loads.get(key)?.settle === undefined) this.#refused.set(key, error);
    this.#settleLoad(key, ({ reject }) => reject(fromErrorRecord(error)));
    this.#loads.delete(key);
  }

  #forget(slot: SlotIndex): void {
    const open = this.#runs.get(slot);
    this.#runs.delete(slot);
    open?.closed?.();
    this.#keepAlive();
    if (this.#state === 'retiring' && this.#runs.size === 0) {
      this.#retire(curfewError('OUT_OF_MEMORY', `stream ${this.index}: the heap had grown to its limit`));
    }
  }

  /** Ends a thread that must not go on. Its replacement waits for the end: the thread may still write to its runs' slots. */
  #retire(reason: Error): void {
    this.#state = 'retiring';
    this.#retired ??= reason;
    this.#keepAlive();
    void this.#thread.terminate();
  }

  #onExit(reason: Error): void {
    if (this.#state === 'closed' || this.#state === 'broken') return;
    if (this.#state === 'starting') {
      this.#break(
        curfewError('DEVICE_UNAVAILABLE', `stream ${this.index}: ${reason.message}`, { cause: reason }),
      );
    } else {
      this.#replace(reason);
    }
  }

  /** Starts a thread in place of one that has ended, and sends it the programs that had been loaded. */
  #replace(exitReason: Error): void {
    const retired = this.#retired;
    const reason = retired ?? exitReason;
    const lost = lostRecord(this.index, reason);
    this.#state = 'starting';
    this.#retired = undefined;
    this.#replaced++;
    this.#memory.fill(0);
    this.#exchanges.clear();
    this.#thread = this.#start();
    for (const [key, { program, constants, settle }] of [...this.#loads]) {
      // A program that was loading may be what the thread died of: it must not kill the replacement, too.
      if (settle !== undefined && retired === undefined) this.#dropLoad(key, lost);
      else this.#post({ type: 'load', key, program, constants });
    }
    this.#loseRuns(lost);
    this.#keepAlive();
    this.#events.onReplaced(reason);
  }

  #break(error: CurfewError): void {
    if (this.#state === 'closed') return;
    this.#broken = error;
    this.#state = 'broken';
    this.#loseEverything(toErrorRecord(error, 'DEVICE_UNAVAILABLE'));
    void this.#thread.terminate();
    this.#events.onChange();
  }

  #loseEverything(error: ErrorRecord): void {
    for (const key of [...this.#loads.keys()]) this.#dropLoad(key, error);
    this.#loseRuns(error);
  }

  #loseRuns(error: ErrorRecord): void {
    const lost = [...this.#runs.values()];
    this.#runs.clear();
    for (const { run, closed } of lost) {
      if (closed !== undefined) closed();
      else run.onEvent({ kind: 'lost', error });
    }
  }

  /** The worker keeps the process alive while something is to come from it, and not otherwise. */
  #keepAlive(): void {
    const busy =
      this.#state === 'starting' ||
      this.#retired !== undefined ||
      this.#runs.size > 0 ||
      [...this.#loads.values()].some(({ settle }) => settle !== undefined);
    if (busy) this.#thread.ref();
    else this.#thread.unref();
  }
}

/** What is to be said of a segment that the thread has not begun, but for how it ended. */
function notBegun(slot: SlotIndex, segment: number): Omit<SegmentEnd, 'status'> {
  return {
    type: 'segment',
    slot,
    segment,
    nodesCompleted: 0,
    stoppedBefore: undefined,
    error: undefined,
    outputs: [],
    endedMs: undefined,
  };
}

function lostRecord(stream: number, reason: Error): ErrorRecord {
  return toErrorRecord(
    curfewError('DEVICE_LOST', `stream ${stream} died and was replaced: ${reason.message}`, {
      cause: reason,
    }),
    'DEVICE_LOST',
  );
}
