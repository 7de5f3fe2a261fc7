/** What a simulation is made of. */
import type { Fences } from '../../scheduler/work-queue.js';
import type { DeviceProfile, ProfileName } from './profiles.js';

/** A node as the cost function sees it. */
export interface VirtualNode {
  readonly name: string;
  readonly op: string;
  readonly cost: { readonly operations: number; readonly bytes: number };
}

/** Something that goes wrong. Times are virtual milliseconds since the device was made. */
export type VirtualFault =
  /** The node's kernel fails on the device; the next fence tells. `times`: only the first so many executions. Default 1. */
  | { readonly kind: 'kernel-error'; readonly node: string; readonly times?: number }
  /** Submitting the node fails for lack of memory. */
  | { readonly kind: 'submit-error'; readonly node: string; readonly times?: number }
  /** The node's kernel takes `factor` times as long as expected. */
  | { readonly kind: 'slow-kernel'; readonly node: string; readonly factor: number; readonly times?: number }
  /** The stream's thread dies. */
  | { readonly kind: 'device-lost'; readonly stream: number; readonly atMs: number }
  /** The stream's device queue hangs: nothing ends any more, so no fence comes. */
  | { readonly kind: 'stall'; readonly stream: number; readonly atMs: number }
  /** The first wait of the stream's thread from then on is never woken, though the work it waits for ends. */
  | { readonly kind: 'lost-wake-up'; readonly stream: number; readonly atMs: number }
  /** The stream's thread cannot be replaced when it dies. */
  | { readonly kind: 'irreplaceable'; readonly stream: number }
  /** The watchdog notices deadlines this much later, or earlier when negative. */
  | { readonly kind: 'watchdog'; readonly offsetMs: number }
  /** Time jumps ahead, as on a machine that was suspended. */
  | { readonly kind: 'clock-jump'; readonly atMs: number; readonly byMs: number };

/** One line of the event log. */
export interface VirtualLogEntry {
  readonly atMs: number;
  readonly stream: number;
  /** The slot whose run it belongs to; `undefined` for what belongs to none. */
  readonly slot: number | undefined;
  readonly event: string;
  readonly name: string;
}

/** Options of the virtual device. */
export interface VirtualOptions {
  /** A named profile or one of the caller's. Default `'h200'`. */
  readonly profile?: ProfileName | DeviceProfile | undefined;
  /** What waiting for a mark leaves in flight, `'each'` or `'all'`; see `DeviceProfile.fences`. Default: the profile's. */
  readonly fences?: Fences | undefined;
  /** Seed of all chance. Default 1. */
  readonly seed?: number | undefined;
  /** Kernel durations vary by up to this share either way. 0 to below 1. Default 0. */
  readonly jitter?: number | undefined;
  /** Whether to compute values with the reference kernels. Default false: outputs are zeros. */
  readonly compute?: boolean | undefined;
  /**
   * Duration of a node in milliseconds; `undefined` leaves it to the profile's rates. Asked at every execution, so that
   * durations may change from run to run.
   */
  readonly kernelMs?: ((node: VirtualNode) => number | undefined) | undefined;
  readonly faults?: readonly VirtualFault[] | undefined;
  /** Receives every event of the simulated streams, in order. */
  readonly log?: ((entry: VirtualLogEntry) => void) | undefined;
}

/** Virtual options, complete. */
export interface Simulation {
  readonly profile: DeviceProfile;
  readonly seed: number;
  readonly jitter: number;
  readonly compute: boolean;
  kernelMs(node: VirtualNode): number | undefined;
  readonly faults: readonly VirtualFault[];
  log(entry: VirtualLogEntry): void;
}
