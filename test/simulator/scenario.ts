/** What one simulation does: a graph, a device, the runs on it, and what goes wrong. Plain data, so that it can be printed. */
import type { VirtualFault } from '../../kernels/virtual/options.js';
import type { DeviceProfile } from '../../kernels/virtual/profiles.js';
import type { CancellationOption } from '../../scheduler/cancellation.js';
import type { ValueReference } from '../../scheduler/graph.js';
import type { MainFaults } from './main-fault.js';

/** Ops that simulated graphs are made of: cheap to compute, so that values can be compared with the interpreter's. */
export type SimulatedOp = 'Neg' | 'Add' | 'Multiply' | 'AddN' | 'SplitV';

/** A kernel node. */
export interface KernelSpec {
  readonly kind: 'kernel';
  readonly name: string;
  readonly op: SimulatedOp;
  readonly inputs: readonly ValueReference[];
  /** The stream it is placed on when the placement is given. */
  readonly lane: number;
  readonly durationMs: number;
}

/** A host node: outputs `sum` and `first`, each of two elements. */
export interface HostSpec {
  readonly kind: 'host';
  readonly name: string;
  readonly inputs: readonly ValueReference[];
  readonly durationMs: number;
  /** Whether its function ends when the run is stopped, or goes on to its end. */
  readonly stops: boolean;
  /** The first so many calls throw. */
  readonly failures: number;
}

export type NodeSpec = KernelSpec | HostSpec;

/** A graph with feeds `x` and `y` and a constant `c`, each of two elements, and all `outputs` under their references. */
export interface GraphSpec {
  readonly nodes: readonly NodeSpec[];
  readonly outputs: readonly ValueReference[];
}

/** The modes that simulations run in. */
export type SimulatedMode = Exclude<CancellationOption, 'preempt'>;

/** One run. Times in virtual milliseconds; `undefined` for what does not happen. */
export interface RunSpec {
  /** From the start of the simulation. */
  readonly startMs: number;
  readonly mode: SimulatedMode;
  readonly timeoutMs: number | undefined;
  /** From the run's start. */
  readonly abortMs: number | undefined;
  readonly partial: boolean;
  readonly priority: number;
  readonly timeline: boolean;
  /** What makes its feeds different from those of other runs. */
  readonly feed: number;
}

/** The device and the engine on it. */
export interface WorldSpec {
  readonly seed: number;
  readonly streams: number;
  readonly runsInFlight: number;
  readonly drainLimitMs: number | undefined;
  readonly profile: DeviceProfile;
  readonly jitter: number;
  readonly faults: readonly VirtualFault[];
}

/** Whether a stream may hang for ever, so that only a stop can end the runs on it. */
export function hangs(faults: readonly VirtualFault[]): boolean {
  return faults.some(({ kind }) => kind === 'stall' || kind === 'lost-wake-up');
}

/** A whole simulation. */
export interface Scenario {
  readonly world: WorldSpec;
  readonly graph: GraphSpec;
  readonly placement: 'single' | 'automatic' | 'given';
  readonly runs: readonly RunSpec[];
  readonly main: MainFaults;
}
