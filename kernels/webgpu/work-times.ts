/** When the GPU's work ran, on the shared clock. */
import type { Clock } from '../../scheduler/clock.js';
import type { TimedWork } from '../../scheduler/kernel.js';

const NS_PER_MS = 1e6;

/** Tells of work. */
export type OnWork = (work: TimedWork) => void;

/** A node of a submission: the GPU times it; or it ran on the thread at this time; or it moved nothing. */
export type TimedNode =
  | { readonly kind: 'gpu'; readonly query: number }
  | { readonly kind: 'host'; readonly startMs: number; readonly endMs: number }
  | { readonly kind: 'none' };

/** A moment on both clocks. */
export interface Calibration {
  readonly gpuNs: bigint;
  readonly hostMs: number;
  /** How far the two may lie apart. */
  readonly errorMs: number;
}

/** Turns the GPU's times into those of the shared clock, in order. */
export class WorkTimes {
  readonly #clock: Clock;
  readonly #onWork: OnWork;
  readonly #calibration: Calibration;
  #lastEndMs: number;

  constructor(clock: Clock, onWork: OnWork, calibration: Calibration) {
    this.#clock = clock;
    this.#onWork = onWork;
    this.#calibration = calibration;
    this.#lastEndMs = clock.nowMs();
  }

  /** A copy that the thread has just made. */
  copied(kind: 'copy-in' | 'copy-out', startMs: number, bytes: number): void {
    this.#onWork({ kind, startMs, endMs: this.#clock.nowMs(), bytes });
  }

  /** Nodes of a submission that is over, with what the GPU wrote. */
  ran(nodes: readonly TimedNode[], times: BigUint64Array): void {
    const nowMs = this.#clock.nowMs();
    for (const node of nodes) {
      const [from, to] = this.#spanOf(node, times);
      // Neither may the clocks' difference make a node start before the one before it, nor end after it is known to be over.
      const startMs = Math.min(nowMs, Math.max(from, this.#lastEndMs));
      const endMs = Math.min(nowMs, Math.max(to, startMs));
      this.#lastEndMs = endMs;
      this.#onWork({ kind: 'node', startMs, endMs, bytes: 0 });
    }
  }

  #spanOf(node: TimedNode, times: BigUint64Array): readonly [number, number] {
    switch (node.kind) {
      case 'gpu':
        return [this.#hostMs(times[node.query * 2]!), this.#hostMs(times[node.query * 2 + 1]!)];
      case 'host':
        return [node.startMs, node.endMs];
      case 'none':
        return [this.#lastEndMs, this.#lastEndMs];
    }
  }

  #hostMs(gpuNs: bigint): number {
    const { gpuNs: originNs, hostMs } = this.#calibration;
    return hostMs + Number(gpuNs - originNs) / NS_PER_MS;
  }
}
