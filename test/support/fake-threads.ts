/** Threads of a stream that do what a test says: what they are sent is kept, what they tell comes from the test. */
import { beginSegment } from '../../kernels/stream-worker/claims.js';
import type {
  FromStream,
  SegmentEnd,
  SegmentMessage,
  ToStream,
} from '../../kernels/stream-worker/protocol.js';
import type { StreamThread, ThreadEvents } from '../../kernels/stream-worker/thread.js';
import { CurfewError } from '../../scheduler/errors.js';

export class FakeThread implements StreamThread {
  readonly posted: ToStream[] = [];
  /** Whether it keeps the process alive, as a thread does when it is started. */
  referenced = true;
  terminated = false;
  isAbandoned = false;
  /** What its end waits for. */
  lastWords: Promise<void> = Promise.resolve();
  readonly #events: ThreadEvents;
  #over = false;

  constructor(events: ThreadEvents) {
    this.#events = events;
  }

  post(message: ToStream): void {
    this.posted.push(message);
  }

  ref(): void {
    this.referenced = true;
  }

  unref(): void {
    this.referenced = false;
  }

  async terminate(): Promise<void> {
    this.terminated = true;
    this.referenced = true;
    await this.lastWords;
    this.die(new Error('terminated'));
  }

  tell(message: FromStream): void {
    this.#events.onMessage(message);
  }

  die(reason: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#events.onExit(reason);
  }

  /** Answers for every program that it was sent. */
  loadAll(): void {
    for (const message of this.posted)
      if (message.type === 'load') this.tell({ type: 'loaded', key: message.key, fallbacks: [] });
  }

  /** The segments it was sent. */
  get segments(): readonly SegmentMessage[] {
    return this.posted.filter((message) => message.type === 'segment');
  }

  /** Begins the last segment it was sent. */
  begin(claims: Int32Array): SegmentMessage {
    const message = this.segments.at(-1)!;
    if (!beginSegment(claims, message.slot, message.ticket))
      throw new CurfewError('INTERNAL', 'it was taken back');
    return message;
  }

  /** Ends a segment. */
  end({ slot, segment }: SegmentMessage, how: Partial<SegmentEnd> = {}): void {
    const whole: SegmentEnd = {
      type: 'segment',
      slot,
      segment,
      status: 'completed',
      nodesCompleted: 1,
      stoppedBefore: undefined,
      error: undefined,
      outputs: [],
      endedMs: undefined,
      defunct: false,
    };
    this.tell({ ...whole, ...how });
  }
}
