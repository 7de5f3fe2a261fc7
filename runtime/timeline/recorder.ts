/** Records the runs that ask for a timeline, and all runs while the engine's timeline is on. */
import type { Clock } from '../../scheduler/clock.js';
import { curfewError, invariant } from '../../scheduler/errors.js';
import type { RunReport } from '../../scheduler/outcome.js';
import type { Plan } from '../../scheduler/plan.js';
import { RunTimeline } from '../../scheduler/run-timeline.js';
import type { TimelineTarget } from '../../scheduler/stream-timeline.js';
import { EngineRecording } from './engine-recording.js';
import { EngineTimeline } from './engine-timeline.js';
import { OwnRings } from './own-rings.js';
import { readRun } from './read-run.js';
import { RingPool } from './ring-pool.js';
import { Timeline } from './timeline.js';

/** What a recording needs to know of a run. */
export interface RecordedCall {
  readonly run: number;
  readonly plan: Plan;
  /** When it was called. */
  readonly startMs: number;
  /** Whether the run asked for a timeline of its own. */
  readonly own: boolean;
}

/** The recording of one run. */
export class RunRecording {
  readonly timeline: RunTimeline;
  readonly #call: RecordedCall;
  #own: OwnRings | undefined;
  /** Why the run has no rings of its own, though it was to have some. */
  #failure: unknown;
  readonly #engine: EngineRecording | undefined;
  readonly #pool: RingPool;

  constructor(call: RecordedCall, clock: Clock, engine: EngineRecording | undefined, pool: RingPool) {
    this.#call = call;
    this.#engine = engine;
    this.#pool = pool;
    this.timeline = new RunTimeline(call.run, clock, {
      main: () => [this.#rings()?.main, engine?.main].filter((ring) => ring !== undefined),
      target: (lane, stream) => this.#target(lane, stream),
    });
  }

  /** The run was accepted: it will settle. */
  accepted(): void {
    this.#engine?.accepted();
  }

  /**
   * Rings of its own are taken when there is something to write: many runs may wait. Without memory for them there are
   * none, and a run that is about to be dispatched fails.
   */
  #rings(): OwnRings | undefined {
    if (!this.#call.own || this.#failure !== undefined) return undefined;
    try {
      this.#own ??= new OwnRings(this.#call.plan, this.#pool);
    } catch (error) {
      this.#failure = error;
    }
    return this.#own;
  }

  /** The run has settled on the `streams` of its lanes. Returns its own timeline, if it asked for one. */
  settled(report: RunReport, streams: readonly number[]): Timeline | undefined {
    const { run, plan, startMs } = this.#call;
    const settled = { run, plan, startMs, streams, report };
    this.#engine?.settled(settled);
    const own = this.#rings();
    if (own === undefined) return undefined;
    const main = own.main.read();
    const lanes = own.lanes.map((ring) => ring.read());
    const dropped = [main, ...lanes].reduce((sum, ring) => sum + ring.dropped, 0);
    // The thread of a failed run that was given up may still write.
    if (report.outcome !== 'failed') own.give(this.#pool);
    const records = { main: main.records, lanes: lanes.map(({ records }) => records) };
    return new Timeline(readRun(settled, records, startMs, dropped));
  }

  #target(lane: number, stream: number): TimelineTarget {
    const { run } = this.#call;
    const own = this.#rings()?.lanes[lane]?.buffer;
    if (this.#failure !== undefined) throw this.#failure;
    const engine = this.#engine?.streams[stream]?.buffer;
    const ring = own ?? engine;
    invariant(ring !== undefined, 'a recorded run has a ring for each of its streams');
    return { run, ring, copy: own === undefined ? undefined : engine };
  }
}

/** Records the runs of one engine. */
export class Recorder {
  readonly #clock: Clock;
  readonly #device: string;
  readonly #streams: number;
  readonly #pool = new RingPool();
  #engine: EngineRecording | undefined;

  constructor(clock: Clock, device: string, streams: number) {
    this.#clock = clock;
    this.#device = device;
    this.#streams = streams;
  }

  /** Begins to record a run; `undefined` when neither the run nor the engine records. */
  begin(call: RecordedCall): RunRecording | undefined {
    if (!call.own && this.#engine === undefined) return undefined;
    return new RunRecording(call, this.#clock, this.#engine, this.#pool);
  }

  streamReplaced(stream: number): void {
    this.#engine?.streamReplaced(stream, this.#clock.nowMs());
  }

  /** Starts the engine's timeline. @throws TIMELINE_STATE when one is being recorded */
  start(maxRecords: number): void {
    if (this.#engine !== undefined) {
      throw curfewError(
        'TIMELINE_STATE',
        'startTimeline: expected no timeline being recorded, received a second call',
      );
    }
    this.#engine = new EngineRecording(this.#streams, maxRecords, this.#clock.nowMs());
  }

  /** Ends the engine's timeline. @throws TIMELINE_STATE when none is being recorded */
  stop(): EngineTimeline {
    const recording = this.#engine;
    if (recording === undefined) {
      throw curfewError(
        'TIMELINE_STATE',
        'stopTimeline: expected a call of startTimeline before, there was none',
      );
    }
    this.#engine = undefined;
    return new EngineTimeline(recording.read(this.#device, this.#clock.nowMs()));
  }
}
