/** How long nodes take, from timelines. */
import type { Executable, Feeds } from '../runtime/index.js';
import { summarize } from './harness.js';

/** Milliseconds of each node of one complete run. */
export async function nodeTimesMs(executable: Executable, feeds: Feeds): Promise<readonly number[]> {
  const { timeline } = await executable.run(feeds, { timeline: true });
  return timeline!.nodes.map(({ startMs, endMs }) => endMs - startMs);
}

/** The longest node of a run in milliseconds: the median of a few runs, since any node may be disturbed. */
export async function longestNodeMs(executable: Executable, feeds: Feeds, runs: number): Promise<number> {
  const longest: number[] = [];
  for (let run = 0; run < runs; run++) longest.push(Math.max(...(await nodeTimesMs(executable, feeds))));
  return summarize(longest).median;
}
