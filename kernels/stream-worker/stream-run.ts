/** What one run holds on a stream, in the stream's thread. */
import type { ValueId } from '../../scheduler/graph.js';
import type { KernelBackend, ValueTable } from '../../scheduler/kernel.js';
import type { SegmentProgram } from '../../scheduler/program.js';
import { releaseValue } from '../../scheduler/segment-execution.js';
import type { ExportedValue, SlotIndex } from '../../scheduler/stream.js';
import type { StreamTimeline } from '../../scheduler/stream-timeline.js';
import type { LoadedProgram } from './program-store.js';
import type { StepList } from './step-list.js';

export class StreamRunState {
  readonly slot: SlotIndex;
  readonly loaded: LoadedProgram;
  /** The steps that the run's mode asks for. */
  readonly list: StepList;
  readonly values: ValueTable;
  readonly timeline: StreamTimeline | undefined;
  /** Values copied out for the main thread that nobody waits for. */
  outputs: ExportedValue[] = [];
  readonly #backend: KernelBackend;
  /** Segments still to come that use a shared value, by value. */
  readonly #sharedLeft: Map<ValueId, number>;
  #segmentsLeft: number;
  #over = false;

  constructor(
    slot: SlotIndex,
    loaded: LoadedProgram,
    list: StepList,
    backend: KernelBackend,
    timeline: StreamTimeline | undefined,
  ) {
    this.slot = slot;
    this.loaded = loaded;
    this.list = list;
    this.values = loaded.template.slice();
    this.timeline = timeline;
    this.#backend = backend;
    this.#sharedLeft = new Map(loaded.sharedCounts);
    this.#segmentsLeft = loaded.program.segments.length;
  }

  /** Set by a stop or a failure: segments that were queued behind it do not run. */
  get over(): boolean {
    return this.#over;
  }

  /** Takes the outputs collected so far. */
  takeOutputs(): readonly ExportedValue[] {
    const { outputs } = this;
    this.outputs = [];
    return outputs;
  }

  /** A segment has run to its end. Returns whether it was the last. */
  complete(segment: SegmentProgram): boolean {
    for (const value of segment.shared) {
      const left = this.#sharedLeft.get(value)! - 1;
      this.#sharedLeft.set(value, left);
      if (left === 0) releaseValue(this.values, this.#backend, value);
    }
    this.#segmentsLeft--;
    return this.#segmentsLeft === 0;
  }

  /** After a stop or a failure nothing of the run is needed any more, on this stream. */
  end(): void {
    this.#over = true;
    for (const value of this.loaded.runValues) releaseValue(this.values, this.#backend, value);
  }
}
