/** Distributions of times, on the histograms of Node's `perf_hooks`. */
import { createHistogram } from 'node:perf_hooks';
import { MAX_TIMEOUT_MS } from '../scheduler/limits.js';

/** A distribution of times in milliseconds. All 0 while `count` is 0. Exact to three significant digits. */
export interface TimeDistribution {
  readonly count: number;
  readonly min: number;
  readonly mean: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

const UNITS_PER_MS = 1000;

const NOTHING: TimeDistribution = Object.freeze({
  count: 0,
  min: 0,
  mean: 0,
  p50: 0,
  p90: 0,
  p99: 0,
  max: 0,
});

/** Collects times to the microsecond. */
export class TimeHistogram {
  readonly #histogram = createHistogram({ lowest: 1, highest: MAX_TIMEOUT_MS * UNITS_PER_MS, figures: 3 });

  /** Until the next record: statistics may be asked for often. */
  #summary: TimeDistribution | undefined;

  /** The histogram knows no zero: everything is recorded one unit higher. */
  record(ms: number): void {
    const units = Math.max(0, Math.round(ms * UNITS_PER_MS)) + 1;
    this.#summary = undefined;
    this.#histogram.record(Math.min(units, MAX_TIMEOUT_MS * UNITS_PER_MS));
  }

  summary(): TimeDistribution {
    this.#summary ??= this.#summarize();
    return this.#summary;
  }

  #summarize(): TimeDistribution {
    const { count, min, mean, max } = this.#histogram;
    if (count === 0) return NOTHING;
    const toMs = (units: number) => (units - 1) / UNITS_PER_MS;
    const percentile = (share: number) => toMs(this.#histogram.percentile(share));
    return {
      count,
      min: toMs(min),
      mean: toMs(mean),
      p50: percentile(50),
      p90: percentile(90),
      p99: percentile(99),
      max: toMs(max),
    };
  }
}
