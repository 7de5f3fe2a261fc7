/** What a run needs of its engine and its executable. */
import type { Clock } from '../scheduler/clock.js';
import type { Fallback } from '../scheduler/device.js';
import type { RunReport } from '../scheduler/outcome.js';
import type { Plan } from '../scheduler/plan.js';
import type { ProgramKey } from '../scheduler/stream.js';
import type { Admission } from './admission.js';
import type { LeaseSource } from './lease.js';
import type { SignalHub } from './signal-hub.js';
import type { RunRecording } from './timeline/recorder.js';

export interface RunContext {
  /** Number of the run. */
  readonly run: number;
  readonly name: string;
  readonly plan: Plan;
  readonly program: ProgramKey;
  readonly device: string;
  readonly fallbacks: readonly Fallback[];
  readonly clock: Clock;
  readonly leases: LeaseSource;
  readonly admission: Admission;
  readonly signals: SignalHub;
  /** See `EngineOptions.drainLimitMs`. */
  readonly drainLimitMs: number | undefined;
  /** Where the run is recorded, if it is. */
  readonly recording: RunRecording | undefined;
  /** The run was accepted. Every accepted run settles. */
  onQueued(): void;
  onDispatched(): void;
  onSettled(report: RunReport): void;
}
