/** Writes a run's records on a stream, in the stream's thread. */
import type { Clock } from './clock.js';
import type { NodeId } from './graph.js';
import type { BackendMemory } from './kernel.js';
import { RecordRing } from './record-ring.js';
import { RECORD_KIND, type RecordKind } from './timeline-record.js';

/** What a stream is told of a run that is recorded. */
export interface TimelineTarget {
  readonly run: number;
  /** The ring that the run's records are written to. */
  readonly ring: SharedArrayBuffer;
  /** Another ring that they are copied to, segment by segment. */
  readonly copy: SharedArrayBuffer | undefined;
}

/** What a stream knows and a run's records show. */
export interface StreamTimelineHost {
  readonly clock: Clock;
  readonly memory: Readonly<BackendMemory>;
  /** Bytes of constants, which no run holds. */
  readonly constantBytes: number;
}

/** A node in a step of several, with the share of the step's time that it is thought to take. */
export interface StepPart {
  readonly node: NodeId;
  readonly share: number;
}

/** A step as a timeline shows it. */
export interface TimedStep {
  /** The node, or the first of several. */
  readonly node: NodeId;
  /** The nodes of a chunk. */
  readonly parts?: readonly StepPart[] | undefined;
}

/** A run's records on one stream. */
export class StreamTimeline {
  readonly #run: number;
  readonly #ring: RecordRing;
  readonly #copy: RecordRing | undefined;
  readonly #clock: Clock;
  readonly #memory: Readonly<BackendMemory>;
  readonly #constantBytes: number;

  constructor({ run, ring, copy }: TimelineTarget, host: StreamTimelineHost) {
    this.#run = run;
    this.#ring = new RecordRing(ring);
    this.#copy = copy === undefined ? undefined : new RecordRing(copy);
    this.#clock = host.clock;
    this.#memory = host.memory;
    this.#constantBytes = host.constantBytes;
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  /** A node that executed, with the bytes that runs hold before what it was the last to use is released. */
  node(node: NodeId, startMs: number, endMs: number): void {
    const bytes = this.#memory.liveBytes - this.#constantBytes;
    this.#ring.write(RECORD_KIND.node, this.#run, node, startMs, endMs, bytes);
  }

  /** A step that executed: a node, or a chunk with the nodes in it, over which its time is spread. */
  step({ node, parts }: TimedStep, startMs: number, endMs: number): void {
    if (parts === undefined || parts.length === 1) {
      this.node(node, startMs, endMs);
      return;
    }
    this.span(RECORD_KIND.chunk, node, startMs, parts.length, endMs);
    const bytes = this.#memory.liveBytes - this.#constantBytes;
    let [beginMs, share] = [startMs, 0];
    for (const [index, part] of parts.entries()) {
      share += part.share;
      const nextMs =
        index === parts.length - 1 ? endMs : Math.min(endMs, startMs + share * (endMs - startMs));
      this.#ring.write(RECORD_KIND.part, this.#run, part.node, beginMs, nextMs, bytes);
      beginMs = nextMs;
    }
  }

  /** Something that took from `startMs` to `endMs`, or until now. */
  span(kind: RecordKind, id: number, startMs: number, value = 0, endMs = this.nowMs()): void {
    this.#ring.write(kind, this.#run, id, startMs, endMs, value);
  }

  /** Something that happens now. */
  moment(kind: RecordKind, id: number): void {
    const nowMs = this.nowMs();
    this.#ring.write(kind, this.#run, id, nowMs, nowMs, 0);
  }

  /** Begins a segment. The function returned ends it. */
  segment(segment: number): () => void {
    const from = this.#ring.total;
    const startMs = this.nowMs();
    return () => {
      this.span(RECORD_KIND.segment, segment, startMs, this.#memory.liveBytes - this.#constantBytes);
      this.#ring.publish();
      if (this.#copy === undefined) return;
      this.#ring.copyTo(this.#copy, from);
      this.#copy.publish();
    };
  }
}
