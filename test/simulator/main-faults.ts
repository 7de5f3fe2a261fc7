/** What goes wrong on the main thread in a simulation: by chance, drawn after everything else of its scenario. */
import type { Chance } from './chance.js';
import type { GraphSpec } from './scenario.js';

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

/** What the faults have to fit. */
export interface Surroundings {
  readonly graph: GraphSpec;
  readonly runs: number;
  readonly streams: number;
  readonly longestMs: number;
  /** Whether every run can be stopped and drains within a limit: only then may something hang. */
  readonly stoppable: boolean;
}

/** Each with this chance, in half of all scenarios. */
const SHARE = 0.2;

function some(chance: Chance, most: number, highest: number): number[] {
  return chance.next() < SHARE
    ? Array.from({ length: chance.integer(1, most) }, () => chance.integer(0, highest))
    : [];
}

function randomOddHost(chance: Chance, { graph, stoppable }: Surroundings): MainFaults['oddHost'] {
  const hosts = graph.nodes.filter(({ kind }) => kind === 'host');
  if (hosts.length === 0 || chance.next() >= SHARE) return undefined;
  return { name: chance.pick(hosts).name, how: stoppable && chance.next() < 0.5 ? 'hangs' : 'garbage' };
}

function randomEnd(chance: Chance, { longestMs, stoppable }: Surroundings): EarlyEnd | undefined {
  if (chance.next() >= SHARE) return undefined;
  const how = chance.pick(['close', 'destroy']);
  const atMs = chance.next() * longestMs * 2;
  // What hangs is never waited for: its runs are stopped, or given up.
  const isLimited = stoppable || chance.next() < 0.5;
  return { how, atMs, withinMs: isLimited ? chance.next() * longestMs : undefined };
}

/**
 * Draws the faults, and streams of which no replacement can be started. The draws of a scenario before them stay what
 * they are.
 */
export function randomMainFaults(
  chance: Chance,
  around: Surroundings,
): MainFaults & { readonly irreplaceable: readonly number[] } {
  if (chance.next() < 0.5) return { ...NO_MAIN_FAULTS, irreplaceable: [] };
  const { runs, streams, longestMs } = around;
  return {
    refusedAllocations: new Set(some(chance, 3, 12)),
    goneFeeds: some(chance, 2, runs - 1).map((run) => ({ run, afterMs: chance.next() * longestMs })),
    throwingListeners: chance.next() < SHARE,
    runsAfterEvents: new Set(some(chance, 3, 3 * runs)),
    irreplaceable: some(chance, 1, streams - 1),
    oddHost: randomOddHost(chance, around),
    end: randomEnd(chance, around),
  };
}
