/** What a stream's thread does with its messages: load programs, execute segments of runs. */
import type { CancellationMode } from '../../scheduler/cancellation.js';
import type { Clock } from '../../scheduler/clock.js';
import type { Fallback } from '../../scheduler/device.js';
import type { DeviceWork } from '../../scheduler/device-wait.js';
import { CurfewError, toErrorRecord } from '../../scheduler/errors.js';
import type { KernelBackend } from '../../scheduler/kernel.js';
import { runSegment } from '../../scheduler/node-loop.js';
import type { ExchangeEntry, SegmentProgram, StepRange, StreamProgram } from '../../scheduler/program.js';
import { runQueued } from '../../scheduler/queued-loop.js';
import type { LoopResult, SegmentExecution } from '../../scheduler/segment-execution.js';
import type { ProgramKey, SlotIndex } from '../../scheduler/stream.js';
import { StreamTimeline } from '../../scheduler/stream-timeline.js';
import { RECORD_KIND } from '../../scheduler/timeline-record.js';
import { blamedRecord, isTrap } from './blame.js';
import type { ChunkLevels } from './chunks/chunk-levels.js';
import { beginSegment } from './claims.js';
import { type LoadedProgram, ProgramStore } from './program-store.js';
import type { FromStream, SegmentMessage, ToStream } from './protocol.js';
import { notBegun } from './segment-end.js';
import type { StepList } from './step-list.js';
import { StreamRunState } from './stream-run.js';
import { recordTimedWork } from './timed-work.js';
import { Transfers } from './transfers.js';

/** What a session needs of its thread. */
export interface SessionHost {
  readonly backend: KernelBackend;
  readonly control: Int32Array;
  /** See `claims.ts`. */
  readonly claims: Int32Array;
  readonly clock: Clock;
  post(message: FromStream, transfer: ArrayBuffer[]): void;
  /** Called whenever bytes may have changed. */
  onMemory(constantBytes: number): void;
}

/** A stream's thread, apart from the thread. */
export class StreamSession {
  readonly #host: SessionHost;
  readonly #programs: ProgramStore;
  readonly #transfers: Transfers;
  readonly #runs = new Map<SlotIndex, StreamRunState>();
  /** Programs that are not answered for, with their fallbacks. */
  readonly #loading = new Map<ProgramKey, readonly Fallback[]>();
  #constantBytes = 0;
  /** After a trap nothing is executed: the main thread gives the stream's work to another thread. */
  #defunct = false;

  constructor(host: SessionHost) {
    this.#host = host;
    this.#programs = new ProgramStore(host.backend, host.clock);
    this.#transfers = new Transfers(host);
  }

  /** Handles a message. Whoever drives it does the waiting that a queueing device asks for. */
  *handle(message: ToStream): DeviceWork<void> {
    if (this.#defunct) return;
    switch (message.type) {
      case 'load':
        yield* this.#load(message);
        break;
      case 'unload':
        yield* this.#countConstants(this.#unload(message.key));
        break;
      case 'exchange':
        this.#transfers.setExchange(message.slot, message.buffer);
        break;
      case 'segment':
        yield* this.#execute(message);
        break;
      case 'close':
        this.#close(message.slot, message.acknowledge);
        break;
    }
  }

  /** A program whose chunks are still to be made counts as loaded once they are; runs need not wait for it. */
  *#load({ key, program, constants }: ToStream & { type: 'load' }): DeviceWork<void> {
    try {
      const fallbacks = yield* this.#countConstants(this.#prepare(key, program, constants));
      this.#loading.set(key, fallbacks);
      this.#answer(key);
    } catch (error) {
      this.#refuse(key, error);
    }
  }

  // biome-ignore lint/correctness/useYield: nothing needs to be waited for
  *#prepare(
    key: ProgramKey,
    program: StreamProgram,
    constants: SharedArrayBuffer,
  ): DeviceWork<readonly Fallback[]> {
    return this.#programs.load(key, program, constants);
  }

  /** Tells that a program is loaded, if it is. */
  #answer(key: ProgramKey): void {
    const fallbacks = this.#loading.get(key);
    const { chunks } = this.#programs.get(key);
    if (fallbacks === undefined || chunks?.isReady === false) return;
    this.#loading.delete(key);
    this.#host.post({ type: 'loaded', key, fallbacks }, []);
  }

  #refuse(key: ProgramKey, error: unknown): void {
    this.#defunct = isTrap(error);
    const record = toErrorRecord(error, 'KERNEL_FAILED');
    this.#loading.delete(key);
    this.#programs.refuse(key, record);
    this.#host.post({ type: 'not-loaded', key, error: record, defunct: this.#defunct }, []);
  }

  // biome-ignore lint/correctness/useYield: nothing needs to be waited for
  *#unload(key: ProgramKey): DeviceWork<void> {
    this.#loading.delete(key);
    this.#programs.unload(key);
  }

  /** What loading and unloading change is constants; what else changes the live bytes belongs to runs. */
  *#countConstants<Result>(work: DeviceWork<Result>): DeviceWork<Result> {
    const before = this.#host.backend.memory.liveBytes;
    try {
      return yield* work;
    } finally {
      this.#constantBytes += this.#host.backend.memory.liveBytes - before;
      this.#host.onMemory(this.#constantBytes);
    }
  }

  /** Whether `makeReady` has something to do. */
  get hasMore(): boolean {
    return this.#wanting() !== undefined;
  }

  /**
   * Does a piece of what makes later runs faster. While a run is open on the stream, only what somebody waits for who
   * compiles.
   */
  *makeReady(): DeviceWork<void> {
    const wanting = this.#wanting();
    if (wanting === undefined) return;
    const [key, chunks] = wanting;
    yield* this.#countConstants(chunks.makeNext());
    // A replacement executes runs of a program before it has answered for it: these go on without chunks.
    if (chunks.failure === undefined || this.#isOpen(key)) {
      this.#answer(key);
    } else if (this.#loading.has(key)) {
      yield* this.#countConstants(this.#unload(key));
      this.#refuse(key, chunks.failure);
    }
  }

  #isOpen(key: ProgramKey): boolean {
    const program = this.#programs.get(key);
    return [...this.#runs.values()].some(({ loaded }) => loaded === program);
  }

  #wanting(): readonly [ProgramKey, ChunkLevels] | undefined {
    if (this.#host.backend.chunks === undefined || this.#defunct) return undefined;
    for (const [key, { chunks }] of this.#programs.all)
      if (chunks?.isWanting && (this.#runs.size === 0 || !chunks.isReady)) return [key, chunks];
    return undefined;
  }

  #open({ slot, key, mode, timeline }: SegmentMessage): StreamRunState {
    const { clock, backend } = this.#host;
    const host = { clock, memory: backend.memory, constantBytes: this.#constantBytes };
    const records = timeline === undefined ? undefined : new StreamTimeline(timeline, host);
    const loaded = this.#programs.get(key);
    const run = new StreamRunState(slot, loaded, stepsFor(loaded, mode), backend, records);
    this.#runs.set(slot, run);
    return run;
  }

  *#execute(message: SegmentMessage): DeviceWork<void> {
    const { slot, ticket } = message;
    if (!beginSegment(this.#host.claims, slot, ticket)) return;
    const refusal = this.#programs.refusal(message.key);
    if (refusal !== undefined) {
      // It was sent before the main thread heard of the refusal.
      this.#host.post({ ...notBegun(slot, message.segment), status: 'failed', error: refusal }, []);
      return;
    }
    const run = this.#runs.get(slot) ?? this.#open(message);
    const segment = run.loaded.program.segments[message.segment]!;
    const range = run.list.segments[message.segment]!;
    const endRecord = run.timeline?.segment(message.segment);
    const result = run.over ? notStarted(range) : yield* this.#runSteps(message, run, segment);
    this.#defunct = isTrap(result.error);
    if (result.status === 'failed') recordFailure(run, range, result);
    // After a trap not even memory can be given back.
    if (this.#defunct) this.#runs.delete(slot);
    else this.#settle(run, segment, result);
    endRecord?.();
    this.#report(message, run, range, result);
  }

  #settle(run: StreamRunState, segment: SegmentProgram, { status }: LoopResult): void {
    if (status !== 'completed') run.end();
    else if (run.complete(segment)) this.#runs.delete(run.slot);
    this.#host.onMemory(this.#constantBytes);
  }

  *#runSteps(message: SegmentMessage, run: StreamRunState, segment: SegmentProgram): DeviceWork<LoopResult> {
    const { backend } = this.#host;
    const imported = segment.imports.filter(({ value }) => run.values[value] === undefined);
    const { timeline, list } = run;
    if (timeline === undefined || backend.queue === undefined || backend.timeWork === undefined)
      return yield* this.#importAndRun(message, run, imported);
    const { firstStep } = list.segments[message.segment]!;
    try {
      backend.timeWork(recordTimedWork(timeline, list.steps, list.segments[message.segment]!, imported));
    } catch (error) {
      return { nextStep: firstStep, status: 'failed', error };
    }
    try {
      return yield* this.#importAndRun(message, run, imported);
    } finally {
      // Work between segments, such as the constants of the next program, is not this run's.
      backend.timeWork(undefined);
    }
  }

  *#importAndRun(
    message: SegmentMessage,
    run: StreamRunState,
    imported: readonly ExchangeEntry[],
  ): DeviceWork<LoopResult> {
    const { backend, clock, control } = this.#host;
    const { steps, costs, segments } = run.list;
    const { firstStep, endStep } = segments[message.segment]!;
    try {
      for (const entry of imported) this.#transfers.copyIn(run, entry);
    } catch (error) {
      return { nextStep: firstStep, status: 'failed', error };
    }
    const execution: Omit<SegmentExecution, 'backend'> = {
      steps,
      firstStep,
      endStep,
      values: run.values,
      control: { words: control, index: message.slot },
      clock,
      costs,
      timeline: run.timeline,
      copyOut: (step, exports) => this.#transfers.copyOut(run, step, exports),
    };
    return backend.queue === undefined
      ? runSegment({ ...execution, backend }, message.mode)
      : yield* runQueued({ ...execution, backend }, message.mode);
  }

  #close(slot: SlotIndex, acknowledge: boolean): void {
    this.#runs.get(slot)?.end();
    this.#runs.delete(slot);
    this.#host.onMemory(this.#constantBytes);
    if (acknowledge) this.#host.post({ type: 'closed', slot }, []);
  }

  #report(message: SegmentMessage, run: StreamRunState, range: StepRange, result: LoopResult): void {
    const { slot, segment: index, mode } = message;
    const { status, nextStep, error } = result;
    const { steps, completedBefore } = run.list;
    const next = nextStep < range.endStep ? steps[nextStep] : undefined;
    const outputs = run.takeOutputs();
    this.#host.post(
      {
        type: 'segment',
        slot,
        segment: index,
        status,
        nodesCompleted: completedBefore[nextStep]! - completedBefore[range.firstStep]!,
        stoppedBefore: status === 'stopped' ? next?.node : undefined,
        error: status === 'failed' ? blamedRecord(error, next?.name) : undefined,
        outputs,
        endedMs: mode.kind === 'none' ? undefined : this.#host.clock.nowMs(),
        defunct: this.#defunct,
      },
      outputs.map(({ buffer }) => buffer),
    );
  }
}

/** Steps that keep what the mode promises. */
function stepsFor({ plain, chunks }: LoadedProgram, mode: CancellationMode): StepList {
  return chunks?.stepsFor(mode) ?? plain;
}

/** The node is the one that the error names, or the one the segment came to. */
function recordFailure(
  { timeline, loaded, list }: StreamRunState,
  { endStep }: StepRange,
  { error, nextStep }: LoopResult,
): void {
  const named =
    error instanceof CurfewError
      ? loaded.program.steps.find(({ node }) => node.name === error.node)?.node.id
      : undefined;
  const at = list.steps[Math.min(nextStep, endStep - 1)]!;
  timeline?.moment(RECORD_KIND.failure, named ?? at.node);
}

function notStarted({ firstStep }: StepRange): LoopResult {
  return { nextStep: firstStep, status: 'stopped' };
}
