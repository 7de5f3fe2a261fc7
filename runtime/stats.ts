/** Counts of an engine. */
import type { DeviceStream } from '../scheduler/device.js';
import type { RunReport } from '../scheduler/outcome.js';
import { type TimeDistribution, TimeHistogram } from './distribution.js';

/** One stream in `engine.stats()`. */
export interface StreamStats {
  readonly index: number;
  readonly inFlight: number;
  /** The GPU and its driver in words, with `device: 'webgpu'`. */
  readonly hardware: string | undefined;
  /** How often the stream was replaced. */
  readonly replaced: number;
  /**
   * Threads of the stream that were to end and hang in a device that takes the process down when they are ended, as a GPU that
   * hangs does: 0 normally. They are left alone, and ended should they come back. With four of them the stream is broken.
   */
  readonly abandonedThreads: number;
  /** Bytes of tensors: what runs hold now, the most they held at once, and constants. */
  readonly bytes: { readonly live: number; readonly peak: number; readonly constants: number };
}

/** What `engine.stats()` returns. Run counts since the engine was created, bytes now. */
export interface EngineStats {
  readonly runs: {
    readonly queued: number;
    readonly inFlight: number;
    readonly completed: number;
    readonly aborted: number;
    readonly deadlineExceeded: number;
    readonly failed: number;
  };
  /** From the call until the dispatch, of runs that were dispatched and have settled. Milliseconds. */
  readonly queuedMs: TimeDistribution;
  /** `report.latenessMs` of runs that were stopped. Milliseconds. */
  readonly latenessMs: TimeDistribution;
  /** Kernel and host nodes executed by runs that have settled. */
  readonly nodes: { readonly completed: number };
  /**
   * Bytes over all streams. `live` is what runs hold now, feeds in transit included: 0 when none is in flight.
   * `peak` adds up the streams' peaks. `exchange` is what the exchange buffers hold, those included that are kept for later
   * runs.
   */
  readonly bytes: {
    readonly live: number;
    readonly peak: number;
    readonly constants: number;
    readonly exchange: number;
  };
  /**
   * Whether a thread watches the deadlines of runs, as it does unless it died again and again, or the engine is closed. Without
   * it the main thread's timers stop runs, and are late while that thread is blocked.
   */
  readonly watchdog: boolean;
  readonly streams: readonly StreamStats[];
}

/** Counts runs by outcome. */
export class RunCounts {
  inFlight = 0;
  completed = 0;
  aborted = 0;
  deadlineExceeded = 0;
  failed = 0;
  nodesCompleted = 0;
  readonly queuedMs = new TimeHistogram();
  readonly latenessMs = new TimeHistogram();

  /** Counts a run that has settled, dispatched or not. */
  count(report: RunReport, dispatched: boolean): void {
    this.nodesCompleted += report.nodesCompleted;
    if (dispatched) this.queuedMs.record(report.queuedMs);
    if (report.latenessMs !== undefined) this.latenessMs.record(report.latenessMs);
    switch (report.outcome) {
      case 'completed':
        this.completed++;
        break;
      case 'aborted':
        this.aborted++;
        break;
      case 'deadline-exceeded':
        this.deadlineExceeded++;
        break;
      case 'failed':
        this.failed++;
        break;
    }
  }
}

/** What statistics are made of. */
export interface StatsSource {
  readonly counts: RunCounts;
  readonly queued: number;
  readonly exchange: { readonly used: number; readonly held: number };
  readonly watchdog: boolean;
  readonly streams: readonly DeviceStream[];
  inFlightOf(stream: number): number;
}

/** Puts the statistics together. */
export function collectStats(source: StatsSource): EngineStats {
  const { counts, queued, exchange, watchdog, streams, inFlightOf } = source;
  const perStream = streams.map((stream): StreamStats => {
    const { liveBytes, peakBytes, constantBytes } = stream.memory();
    return {
      index: stream.index,
      inFlight: inFlightOf(stream.index),
      replaced: stream.replaced,
      hardware: stream.hardware,
      abandonedThreads: stream.abandonedThreads,
      bytes: { live: liveBytes, peak: peakBytes, constants: constantBytes },
    };
  });
  const sum = (pick: (bytes: StreamStats['bytes']) => number) =>
    perStream.reduce((total, { bytes }) => total + pick(bytes), 0);
  const { inFlight, completed, aborted, deadlineExceeded, failed, nodesCompleted } = counts;
  return {
    runs: { queued, inFlight, completed, aborted, deadlineExceeded, failed },
    queuedMs: counts.queuedMs.summary(),
    latenessMs: counts.latenessMs.summary(),
    nodes: { completed: nodesCompleted },
    bytes: {
      live: sum(({ live }) => live) + exchange.used,
      peak: sum(({ peak }) => peak),
      constants: sum(({ constants }) => constants),
      exchange: exchange.held,
    },
    watchdog,
    streams: perStream,
  };
}
