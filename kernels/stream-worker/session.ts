/** What a stream's worker does with its messages: load programs, execute segments of runs, keep their values. */
import type { ControlWord } from '../../scheduler/cancellation.js';
import type { Clock } from '../../scheduler/clock.js';
import {
  CurfewError,
  curfewError,
  type ErrorRecord,
  invariant,
  toErrorRecord,
} from '../../scheduler/errors.js';
import type { ValueId } from '../../scheduler/graph.js';
import type { KernelBackend, ValueTable } from '../../scheduler/kernel.js';
import { type LoopResult, runSegment, type SegmentExecution } from '../../scheduler/node-loop.js';
import type { ExchangeEntry, NodeExports, SegmentProgram } from '../../scheduler/program.js';
import { type DeviceWaiting, runQueued } from '../../scheduler/queued-loop.js';
import type { ExportedValue, SlotIndex } from '../../scheduler/stream.js';
import { StreamTimeline } from '../../scheduler/stream-timeline.js';
import { byteLength, formatSpec, sameShape, type TensorSpec } from '../../scheduler/tensor.js';
import { RECORD_KIND, type RecordKind } from '../../scheduler/timeline-record.js';
import { beginSegment } from './claims.js';
import { type LoadedProgram, ProgramStore } from './program-store.js';
import type { FromStream, SegmentEnd, ToStream } from './protocol.js';
import { recordTimedWork } from './timed-work.js';

type SegmentMessage = ToStream & { type: 'segment' };

/** What one run holds on this stream. */
interface OpenRun {
  readonly loaded: LoadedProgram;
  readonly values: ValueTable;
  /** Segments still to come that use a shared value, by value. */
  readonly sharedLeft: Map<ValueId, number>;
  segmentsLeft: number;
  /** Set by a stop or a failure: segments that were queued behind it do not run. */
  over: boolean;
  /** Values copied out for the main thread that nobody waits for. */
  outputs: ExportedValue[];
  readonly timeline: StreamTimeline | undefined;
}

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

/** The values a step copies out must be what the graph promises, or readers would see other bytes. */
function checkProduced(node: string, produced: TensorSpec | undefined, promised: TensorSpec): void {
  if (
    produced !== undefined &&
    produced.dtype === promised.dtype &&
    sameShape(produced.shape, promised.shape)
  )
    return;
  const received = produced === undefined ? 'nothing' : formatSpec(produced);
  throw curfewError(
    'KERNEL_FAILED',
    `node "${node}": expected ${formatSpec(promised)}, the kernel produced ${received}`,
    {
      node,
      expected: formatSpec(promised),
      received,
    },
  );
}

/** A stream's worker, apart from its thread. */
export class StreamSession {
  readonly #host: SessionHost;
  readonly #programs: ProgramStore;
  readonly #runs = new Map<SlotIndex, OpenRun>();
  readonly #exchanges = new Map<SlotIndex, SharedArrayBuffer>();
  #constantBytes = 0;

  constructor(host: SessionHost) {
    this.#host = host;
    this.#programs = new ProgramStore(host.backend);
  }

  /** Handles a message. Whoever drives it does the waiting that a queueing device asks for. */
  *handle(message: ToStream): DeviceWaiting<void> {
    switch (message.type) {
      case 'load':
        this.#load(message);
        break;
      case 'unload':
        this.#countConstants(() => this.#programs.unload(message.key));
        break;
      case 'exchange':
        if (message.buffer === undefined) this.#exchanges.delete(message.slot);
        else this.#exchanges.set(message.slot, message.buffer);
        break;
      case 'segment':
        yield* this.#execute(message);
        break;
      case 'close':
        this.#close(message.slot, message.acknowledge);
        break;
    }
  }

  #load({ key, program, constants }: ToStream & { type: 'load' }): void {
    try {
      const fallbacks = this.#countConstants(() => this.#programs.load(key, program, constants));
      this.#host.post({ type: 'loaded', key, fallbacks }, []);
    } catch (error) {
      this.#host.post({ type: 'not-loaded', key, error: toErrorRecord(error, 'KERNEL_FAILED') }, []);
    }
  }

  /** What loading and unloading change is constants; what else changes the live bytes belongs to runs. */
  #countConstants<Result>(change: () => Result): Result {
    const before = this.#host.backend.memory.liveBytes;
    try {
      return change();
    } finally {
      this.#constantBytes += this.#host.backend.memory.liveBytes - before;
      this.#host.onMemory(this.#constantBytes);
    }
  }

  #open({ slot, key, timeline }: SegmentMessage): OpenRun {
    const loaded = this.#programs.get(key);
    const { clock, backend } = this.#host;
    const run: OpenRun = {
      loaded,
      values: loaded.template.slice(),
      sharedLeft: new Map(loaded.sharedCounts),
      segmentsLeft: loaded.program.segments.length,
      over: false,
      outputs: [],
      timeline:
        timeline === undefined
          ? undefined
          : new StreamTimeline(timeline, {
              clock,
              memory: backend.memory,
              constantBytes: this.#constantBytes,
            }),
    };
    this.#runs.set(slot, run);
    return run;
  }

  *#execute(message: SegmentMessage): DeviceWaiting<void> {
    const { slot, ticket } = message;
    if (ticket !== undefined && !beginSegment(this.#host.claims, slot, ticket)) return;
    const run = this.#runs.get(message.slot) ?? this.#open(message);
    const segment = run.loaded.program.segments[message.segment]!;
    const endRecord = run.timeline?.segment(message.segment);
    const result = run.over ? notStarted(segment) : yield* this.#runSteps(message, run, segment);
    if (result.status === 'failed') recordFailure(run, segment, result);
    if (result.status === 'completed') this.#completeSegment(message.slot, run, segment);
    else this.#endRun(run);
    this.#host.onMemory(this.#constantBytes);
    endRecord?.();
    this.#report(message, run, segment, result);
  }

  *#runSteps(message: SegmentMessage, run: OpenRun, segment: SegmentProgram): DeviceWaiting<LoopResult> {
    const { backend, clock, control } = this.#host;
    const imported = segment.imports.filter(({ value }) => run.values[value] === undefined);
    backend.timeWork?.(
      run.timeline === undefined
        ? undefined
        : recordTimedWork(run.timeline, run.loaded.steps, segment, imported),
    );
    for (const entry of imported) {
      try {
        this.#import(message.slot, run, entry);
      } catch (error) {
        return { nextStep: segment.firstStep, status: 'failed', error: this.#blame(error, entry.name) };
      }
    }
    const word: ControlWord = { words: control, index: message.slot };
    const execution: SegmentExecution = {
      steps: run.loaded.steps,
      firstStep: segment.firstStep,
      endStep: segment.endStep,
      values: run.values,
      backend,
      control: word,
      clock,
      costs: run.loaded.costs,
      timeline: run.timeline,
      onExports: (step, exports) => this.#export(message.slot, run, step, exports),
    };
    return backend.queueing ? yield* runQueued(execution, message.mode) : runSegment(execution, message.mode);
  }

  #import(slot: SlotIndex, run: OpenRun, { value, spec, byteOffset }: ExchangeEntry): void {
    const exchange = this.#exchanges.get(slot);
    invariant(exchange !== undefined, `slot ${slot} has an exchange buffer before a segment reads it`);
    const bytes = new Uint8Array(exchange, byteOffset, byteLength(spec));
    this.#recordCopy(run, RECORD_KIND.copyIn, value, bytes.byteLength, () => {
      run.values[value] = this.#host.backend.upload(spec, bytes);
    });
  }

  /** A device that times its work times the copies as well. */
  #recordCopy(run: OpenRun, kind: RecordKind, id: number, bytes: number, copy: () => void): void {
    const timeline = this.#host.backend.timeWork === undefined ? run.timeline : undefined;
    const startMs = timeline?.nowMs() ?? 0;
    copy();
    timeline?.span(kind, id, startMs, bytes);
  }

  #export(slot: SlotIndex, run: OpenRun, step: number, exports: NodeExports): void {
    const { node } = run.loaded.program.steps[step]!;
    const bytes = [...exports.toExchange, ...exports.toMain].reduce(
      (sum, { spec }) => sum + byteLength(spec),
      0,
    );
    let outputs: readonly ExportedValue[] = [];
    this.#recordCopy(run, RECORD_KIND.copyOut, node.id, bytes, () => {
      this.#copyToExchange(slot, run, node.name, exports);
      outputs = this.#copyToMain(run, node.name, exports);
    });
    if (exports.awaited)
      this.#host.post(
        { type: 'node', slot, node: node.id, outputs },
        outputs.map(({ buffer }) => buffer),
      );
    else run.outputs.push(...outputs);
  }

  #copyToExchange(slot: SlotIndex, run: OpenRun, node: string, { toExchange }: NodeExports): void {
    for (const { value, spec, byteOffset } of toExchange) {
      checkProduced(node, run.values[value], spec);
      const exchange = this.#exchanges.get(slot);
      invariant(exchange !== undefined, `slot ${slot} has an exchange buffer before a segment writes it`);
      const target = new Uint8Array(exchange, byteOffset, byteLength(spec));
      target.set(this.#host.backend.read(run.values[value]!));
    }
  }

  #copyToMain(run: OpenRun, node: string, { toMain }: NodeExports): readonly ExportedValue[] {
    return toMain.map(({ value, spec }): ExportedValue => {
      checkProduced(node, run.values[value], spec);
      return { value, buffer: this.#host.backend.read(run.values[value]!).slice().buffer };
    });
  }

  #completeSegment(slot: SlotIndex, run: OpenRun, segment: SegmentProgram): void {
    for (const value of segment.shared) {
      const left = run.sharedLeft.get(value)! - 1;
      run.sharedLeft.set(value, left);
      if (left === 0) this.#releaseValue(run, value);
    }
    run.segmentsLeft--;
    if (run.segmentsLeft === 0) this.#runs.delete(slot);
  }

  #releaseValue(run: OpenRun, value: ValueId): void {
    const tensor = run.values[value];
    if (tensor === undefined) return;
    run.values[value] = undefined;
    this.#host.backend.release(tensor);
  }

  /** After a stop or a failure nothing of the run is needed any more, on this stream. */
  #endRun(run: OpenRun): void {
    run.over = true;
    for (const value of run.loaded.runValues) this.#releaseValue(run, value);
  }

  #close(slot: SlotIndex, acknowledge: boolean): void {
    const run = this.#runs.get(slot);
    if (run !== undefined) this.#endRun(run);
    this.#runs.delete(slot);
    this.#host.onMemory(this.#constantBytes);
    if (acknowledge) this.#host.post({ type: 'closed', slot }, []);
  }

  #blame(error: unknown, node: string): CurfewError {
    if (error instanceof CurfewError) {
      return curfewError(error.code, `node "${node}": ${error.message}`, {
        node,
        cause: error,
        expected: error.expected,
        received: error.received,
      });
    }
    const message = error instanceof Error ? error.message : String(error);
    return curfewError('KERNEL_FAILED', `node "${node}": ${message}`, { node, cause: error });
  }

  #report(message: SegmentMessage, run: OpenRun, segment: SegmentProgram, result: LoopResult): void {
    const { steps } = run.loaded.program;
    const next = result.nextStep < segment.endStep ? steps[result.nextStep]!.node : undefined;
    const error = result.status === 'failed' ? this.#errorRecord(result.error, next?.name) : undefined;
    const outputs = run.outputs;
    run.outputs = [];
    const end: SegmentEnd = {
      type: 'segment',
      slot: message.slot,
      segment: message.segment,
      status: result.status,
      nodesCompleted: result.nextStep - segment.firstStep,
      stoppedBefore: result.status === 'stopped' ? next?.id : undefined,
      error,
      outputs,
      endedMs: message.mode.kind === 'none' ? undefined : this.#host.clock.nowMs(),
    };
    this.#host.post(
      end,
      outputs.map(({ buffer }) => buffer),
    );
    if (isTrap(result.error)) {
      this.#host.post({ type: 'defunct', error: toErrorRecord(result.error, 'DEVICE_LOST') }, []);
    }
  }

  #errorRecord(error: unknown, node: string | undefined): ErrorRecord {
    const blamed =
      error instanceof CurfewError && error.node !== undefined
        ? error
        : this.#blame(error, node ?? '(segment)');
    return toErrorRecord(blamed, 'KERNEL_FAILED', node);
  }
}

/** A WebAssembly trap: the instance it happened in may be left in any state. */
function isTrap(error: unknown): boolean {
  return error instanceof Error && error.name === 'RuntimeError';
}

/** The node is the one that the error names, or the one the segment came to. */
function recordFailure(
  { timeline, loaded }: OpenRun,
  { endStep }: SegmentProgram,
  { error, nextStep }: LoopResult,
): void {
  const { steps } = loaded.program;
  const named = error instanceof CurfewError ? steps.find(({ node }) => node.name === error.node) : undefined;
  timeline?.moment(RECORD_KIND.failure, (named ?? steps[Math.min(nextStep, endStep - 1)]!).node.id);
}

function notStarted(segment: SegmentProgram): LoopResult {
  return { nextStep: segment.firstStep, status: 'stopped' };
}
