/** What goes wrong on the main thread in a simulation. Plain data. */

/** How an engine is closed before its time. */
export interface EarlyEnd {
  readonly how: 'close' | 'destroy';
  /** From the start of the simulation. */
  readonly atMs: number;
  /** Of `close()`; `undefined` waits for ever. */
  readonly withinMs: number | undefined;
}

/** A feed that is transferred away. */
export interface GoneFeed {
  /** Index of the run. */
  readonly run: number;
  /** From the run's start. */
  readonly afterMs: number;
}

export interface MainFaults {
  /** Which of the allocations fail, counted from the start of the runs. */
  readonly refusedAllocations: ReadonlySet<number>;
  readonly goneFeeds: readonly GoneFeed[];
  /** Whether every event has a listener that throws. */
  readonly throwingListeners: boolean;
  /** Calls of `run()` inside listeners: after so many events of any kind. */
  readonly runsAfterEvents: ReadonlySet<number>;
  /** The host node whose first call returns what no graph promises, or never ends. */
  readonly oddHost: { readonly name: string; readonly how: 'garbage' | 'hangs' } | undefined;
  readonly end: EarlyEnd | undefined;
}

export const NO_MAIN_FAULTS: MainFaults = {
  refusedAllocations: new Set(),
  goneFeeds: [],
  throwingListeners: false,
  runsAfterEvents: new Set(),
  oddHost: undefined,
  end: undefined,
};
