/** Records every run of an engine, and keeps those that have settled. */
import { RecordRing, type RingRecords } from '../../scheduler/record-ring.js';
import { RECORD_KIND, type TimelineRecord } from '../../scheduler/timeline-record.js';
import type { SettledRun } from './read-run.js';

/** A run leaves at least this many records on the main thread: waiting, and being in flight or its deadline. */
const FEWEST_RECORDS_PER_RUN = 2;

/** What was recorded. */
export interface EngineRecords {
  readonly device: string;
  /** When recording began and ended, on the shared clock. */
  readonly startMs: number;
  readonly endMs: number;
  readonly main: readonly TimelineRecord[];
  /** By stream. */
  readonly streams: readonly (readonly TimelineRecord[])[];
  readonly runs: readonly SettledRun[];
  /** Runs that settled, including those whose records were overwritten. */
  readonly settled: number;
  /** Runs accepted during the recording and not settled at its end. */
  readonly unsettled: number;
  /** Records that were overwritten. */
  readonly dropped: number;
}

/** Records every run of an engine that is called from now on. */
export class EngineRecording {
  readonly main: RecordRing;
  readonly streams: readonly RecordRing[];
  readonly #startMs: number;
  readonly #runs: SettledRun[] = [];
  #accepted = 0;
  #settled = 0;

  constructor(streams: number, maxRecords: number, startMs: number) {
    this.#startMs = startMs;
    this.main = RecordRing.create(maxRecords);
    this.streams = Array.from({ length: streams }, () => RecordRing.create(maxRecords));
  }

  /** A run was accepted. */
  accepted(): void {
    this.#accepted++;
  }

  settled(run: SettledRun): void {
    this.#settled++;
    this.#runs.push(run);
    // The records of the oldest have been overwritten by now.
    const most = this.main.capacity / FEWEST_RECORDS_PER_RUN;
    if (this.#runs.length > 2 * most) this.#runs.splice(0, this.#runs.length - most);
  }

  streamReplaced(stream: number, atMs: number): void {
    this.main.write(RECORD_KIND.replaced, 0, stream, atMs, atMs, 0);
  }

  read(device: string, endMs: number): EngineRecords {
    const main = this.main.read();
    const streams = this.streams.map((ring) => ring.read());
    const sum = (all: readonly RingRecords[]) => all.reduce((total, { dropped }) => total + dropped, 0);
    return {
      device,
      startMs: this.#startMs,
      endMs,
      main: main.records,
      streams: streams.map(({ records }) => records),
      runs: this.#runs,
      settled: this.#settled,
      unsettled: this.#accepted - this.#settled,
      dropped: sum([main, ...streams]),
    };
  }
}
