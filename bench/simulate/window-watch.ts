/** Watches how much of a run is in flight on each stream, which is what the modes bound. */
import type { DeviceProfile } from '../../kernels/virtual/profiles.js';
import type { VirtualClock } from '../../kernels/virtual/virtual-clock.js';
import type { WatchedRun } from './watched-run.js';

/** What the bound of `{ precisionMs }` needs to know: estimates are right only when every kernel takes as long as before. */
interface KnownDurations {
  readonly durationMs: ReadonlyMap<string, number>;
  /** What the estimates may be off by: a submission, a fence, and the lead. */
  readonly slackMs: number;
}

/** See `LEAD_MS` of the in-flight window, and what else passes between a decision and the submission. */
const LEAD_MS = 0.05;

interface StreamWindow {
  readonly inFlight: string[];
  /** Nodes that the stream has executed: it has measured them. */
  readonly learned: Set<string>;
  headStartedMs: number | undefined;
}

export class WindowWatch {
  #known: KnownDurations | undefined;
  readonly #clock: VirtualClock;
  readonly #violate: (message: string) => void;
  readonly #streams = new Map<number, StreamWindow>();

  constructor(clock: VirtualClock, violate: (message: string) => void) {
    this.#clock = clock;
    this.#violate = violate;
  }

  /** Has the time in flight checked, when every kernel takes as long as it did before. */
  watchTime(durationMs: ReadonlyMap<string, number>, profile: DeviceProfile): void {
    this.#known = { durationMs, slackMs: LEAD_MS + profile.submitMs + profile.fenceMs };
  }

  onSubmit(run: WatchedRun, stream: number, node: string): void {
    const window = this.#window(stream);
    window.inFlight.push(node);
    const { mode } = run.spec;
    if (mode === 'node' && window.inFlight.length > 1) {
      this.#violate(`${run.name}: nodes ${window.inFlight.join(', ')} in flight in mode 'node'`);
    }
    if (typeof mode === 'object') this.#checkTime(run, mode.precisionMs, window, node);
  }

  onStart(stream: number): void {
    this.#window(stream).headStartedMs = this.#clock.nowMs();
  }

  onEnd(stream: number, node: string): void {
    const window = this.#window(stream);
    if (window.inFlight.shift() !== node) this.#violate(`stream ${stream}: ${node} ends in order`);
    window.learned.add(node);
    window.headStartedMs = undefined;
  }

  onThreadEnd(stream: number): void {
    this.#streams.delete(stream);
  }

  #window(stream: number): StreamWindow {
    let window = this.#streams.get(stream);
    if (window === undefined) {
      window = { inFlight: [], learned: new Set(), headStartedMs: undefined };
      this.#streams.set(stream, window);
    }
    return window;
  }

  /**
   * With the node just submitted, at most half of `precisionMs` is in flight, or that node and little before it. A node
   * never measured goes alone.
   */
  #checkTime(run: WatchedRun, precisionMs: number, window: StreamWindow, node: string): void {
    const { inFlight, learned, headStartedMs } = window;
    if (inFlight.length > 1 && inFlight.some((other) => !learned.has(other))) {
      this.#violate(`${run.name}: ${inFlight.join(', ')} in flight, not all of them measured`);
    }
    if (this.#known === undefined) return;
    const { durationMs, slackMs } = this.#known;
    const elapsedMs = headStartedMs === undefined ? 0 : this.#clock.nowMs() - headStartedMs;
    const leftMs = inFlight.reduce((sum, name) => sum + durationMs.get(name)!, 0) - elapsedMs;
    const boundMs = Math.max(precisionMs / 2, durationMs.get(node)!) + slackMs;
    if (leftMs > boundMs) {
      this.#violate(`${run.name}: ${leftMs.toFixed(4)} ms in flight, more than ${boundMs.toFixed(4)} ms`);
    }
  }
}
