/** Watches how much of a run is in flight on each stream, which is what the modes bound. */
import type { DeviceProfile } from '../../kernels/virtual/profiles.js';
import type { VirtualClock } from '../../kernels/virtual/virtual-clock.js';
import type { WatchedRun } from './watched-run.js';

/** What the bound of `{ precisionMs }` needs to know: estimates are right only when every kernel takes as long as before. */
interface KnownDurations {
  readonly durationMs: ReadonlyMap<string, number>;
  readonly longestMs: number;
  /** What the estimates may be off by: a submission, a fence, and the lead. */
  readonly slackMs: number;
  /** Whether the window pauses: where every fence drains, it does not. */
  readonly pauses: boolean;
}

/** See `LEAD_MS` of the in-flight window, and what else passes between a decision and the submission. */
const LEAD_MS = 0.05;

/** What a pause that proved too long takes off an estimate that was right, at most. */
export const UNDERESTIMATE_SHARE = 0.25;

/** No pause is made for nodes that all take less than this share of `precisionMs`: they fit into the window. */
const UNPAUSED_SHARE = 0.25;

interface InFlight {
  readonly node: string;
  /** When it became the only work of its run: copies to the device may still be in front of it. */
  readonly aloneMs: number | undefined;
}

interface StreamWindow {
  readonly inFlight: InFlight[];
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

  /** Checks the time in flight from now on: every kernel takes as long as it did before. */
  watchTime(durationMs: ReadonlyMap<string, number>, { submitMs, fenceMs, fences }: DeviceProfile): void {
    const longestMs = Math.max(...durationMs.values()) + submitMs + fenceMs;
    this.#known = { durationMs, longestMs, slackMs: LEAD_MS + submitMs + fenceMs, pauses: fences === 'each' };
  }

  onSubmit(run: WatchedRun, stream: number, node: string): void {
    const window = this.#window(stream);
    const aloneMs = window.inFlight.length === 0 ? this.#clock.nowMs() : undefined;
    window.inFlight.push({ node, aloneMs });
    const { mode } = run.spec;
    if (mode === 'node' && window.inFlight.length > 1) {
      this.#violate(
        `${run.name}: ${window.inFlight.length} nodes in flight in mode 'node', the last ${node}`,
      );
    }
    if (typeof mode === 'object') this.#checkTime(run, mode.precisionMs, window, node);
  }

  onStart(stream: number): void {
    this.#window(stream).headStartedMs = this.#clock.nowMs();
  }

  onEnd(stream: number, node: string): void {
    const window = this.#window(stream);
    if (window.inFlight.shift()?.node !== node) this.#violate(`stream ${stream}: ${node} ends in order`);
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
    if (inFlight.length > 1 && inFlight.some((other) => !learned.has(other.node))) {
      this.#violate(
        `${run.name}: ${inFlight.length} nodes in flight before ${node}, not all of them measured`,
      );
    }
    if (this.#known === undefined) return;
    const { durationMs, longestMs, slackMs, pauses } = this.#known;
    const nowMs = this.#clock.nowMs();
    const elapsedMs = nowMs - (inFlight[0]!.aloneMs ?? headStartedMs ?? nowMs);
    const leftMs = inFlight.reduce((sum, other) => sum + durationMs.get(other.node)!, 0) - elapsedMs;
    const mayPause = pauses && longestMs > UNPAUSED_SHARE * precisionMs;
    const unseenMs = mayPause ? UNDERESTIMATE_SHARE * precisionMs : 0;
    const boundMs = Math.max(precisionMs / 2, durationMs.get(node)!) + unseenMs + slackMs;
    if (leftMs > boundMs) {
      this.#violate(`${run.name}: ${leftMs.toFixed(4)} ms in flight, more than ${boundMs.toFixed(4)} ms`);
    }
  }
}
