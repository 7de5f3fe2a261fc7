/** Writes a run's records on the main thread, and says where its streams write theirs. */
import type { Clock } from './clock.js';
import type { RecordRing } from './record-ring.js';
import type { TimelineTarget } from './stream-timeline.js';
import { RECORD_KIND, type RecordKind } from './timeline-record.js';

/** Where the records of a run go. */
export interface RunRings {
  /** Written by the main thread. */
  main(): readonly RecordRing[];
  /** What the stream of a lane is told. */
  target(lane: number, stream: number): TimelineTarget;
}

/** A run's records on the main thread. */
export class RunTimeline {
  readonly run: number;
  readonly #clock: Clock;
  readonly #rings: RunRings;

  constructor(run: number, clock: Clock, rings: RunRings) {
    this.run = run;
    this.#clock = clock;
    this.#rings = rings;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  /** What the stream of a lane has to know to record its part of the run. */
  target(lane: number, stream: number): TimelineTarget {
    return this.#rings.target(lane, stream);
  }

  /** Something that took from `startMs` to `endMs`, or until now. */
  span(kind: RecordKind, id: number, startMs: number, value = 0, endMs = this.nowMs()): void {
    for (const ring of this.#rings.main()) ring.write(kind, this.run, id, startMs, endMs, value);
  }

  /** Something that happens at a moment, or now. */
  moment(kind: RecordKind, id = 0, atMs = this.nowMs()): void {
    this.span(kind, id, atMs, 0, atMs);
  }

  /** The main thread stops the run at its own cancellation point, before a node. */
  stopBefore(node: number): void {
    this.moment(RECORD_KIND.stop, node);
  }
}
