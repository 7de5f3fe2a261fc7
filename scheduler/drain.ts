/** The time between a stop and the moment when nothing of the run is in flight: recorded, and limited. */
import type { Clock } from './clock.js';
import type { RunTimeline } from './run-timeline.js';
import { RECORD_KIND } from './timeline-record.js';

/** What a drain is made with. */
export interface DrainOptions {
  readonly clock: Clock;
  readonly timeline: RunTimeline | undefined;
  /** Milliseconds that it may take; `undefined`: any time. */
  readonly limitMs: number | undefined;
  /** Called when it takes longer. */
  onLimit(limitMs: number): void;
}

export class Drain {
  readonly #options: DrainOptions;
  /** When it began, if the run is recorded. */
  #sinceMs: number | undefined;
  #cancelLimit: (() => void) | undefined;

  constructor(options: DrainOptions) {
    this.#options = options;
  }

  /** Begins, unless it has begun. */
  begin(): void {
    const { clock, timeline, limitMs, onLimit } = this.#options;
    this.#sinceMs ??= timeline?.nowMs();
    if (limitMs !== undefined) this.#cancelLimit ??= clock.setTimer(limitMs, () => onLimit(limitMs));
  }

  /** Nothing is in flight any more. */
  end(): void {
    this.#cancelLimit?.();
    if (this.#sinceMs !== undefined) this.#options.timeline?.span(RECORD_KIND.drain, 0, this.#sinceMs);
  }
}
