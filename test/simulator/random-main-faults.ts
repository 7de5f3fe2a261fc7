/** Faults of the main thread by chance, drawn after what else goes on in a scenario. */
import type { Chance } from './chance.js';
import { type EarlyEnd, type MainFaults, NO_MAIN_FAULTS } from './main-fault.js';
import type { GraphSpec } from './scenario.js';

/** What the faults have to fit. */
export interface Surroundings {
  readonly graph: GraphSpec;
  readonly runs: number;
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

/** Draws the faults. The draws of a scenario before them stay what they are. */
export function randomMainFaults(chance: Chance, around: Surroundings): MainFaults {
  if (chance.next() < 0.5) return NO_MAIN_FAULTS;
  const { runs, longestMs } = around;
  return {
    refusedAllocations: new Set(some(chance, 3, 12)),
    goneFeeds: some(chance, 2, runs - 1).map((run) => ({ run, afterMs: chance.next() * longestMs })),
    throwingListeners: chance.next() < SHARE,
    runsAfterEvents: new Set(some(chance, 3, 3 * runs)),
    oddHost: randomOddHost(chance, around),
    end: randomEnd(chance, around),
  };
}
