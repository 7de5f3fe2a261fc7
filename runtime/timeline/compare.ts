/** Compares two timelines node by node. */
import type { EngineTimeline } from './engine-timeline.js';
import type { TimelineFile } from './file/timeline-file.js';
import { viewOf } from './given.js';
import { type NodeTime, nodeTimes } from './summary.js';
import { showMs, showName, table } from './text.js';
import type { Timeline } from './timeline.js';

/** A node that is in both timelines or in one. Means over its executions. */
export interface NodeDifference {
  readonly name: string;
  readonly op: string;
  readonly aMs: number | undefined;
  readonly bMs: number | undefined;
  /** `bMs - aMs`; a missing one counts as 0. */
  readonly changeMs: number;
}

/** What differs between two timelines. */
export interface TimelineComparison {
  /** Largest change first. */
  readonly nodes: readonly NodeDifference[];
  /** Sums of the means of the nodes in both. */
  readonly common: { readonly count: number; readonly aMs: number; readonly bMs: number };
  readonly onlyInA: number;
  readonly onlyInB: number;
  /** All of it, for a terminal. */
  readonly text: string;
}

const MAX_NODES = 20;

function pair(a: NodeTime | undefined, b: NodeTime | undefined): NodeDifference {
  const { name, op } = (a ?? b)!;
  return {
    name,
    op,
    aMs: a?.meanMs,
    bMs: b?.meanMs,
    changeMs: (b?.meanMs ?? 0) - (a?.meanMs ?? 0),
  };
}

const showSigned = (ms: number): string => `${ms < 0 ? '−' : '+'}${showMs(Math.abs(ms))}`;

function showRatio({
  aMs,
  bMs,
}: {
  readonly aMs: number | undefined;
  readonly bMs: number | undefined;
}): string {
  if (aMs === undefined) return 'only in B';
  if (bMs === undefined) return 'only in A';
  return aMs === 0 ? '' : `×${(bMs / aMs).toFixed(2)}`;
}

function formatComparison({ nodes, common, onlyInA, onlyInB }: Omit<TimelineComparison, 'text'>): string {
  const show = (ms: number | undefined) => (ms === undefined ? '' : showMs(ms));
  const lines = nodes
    .slice(0, MAX_NODES)
    .map((node) => [
      showName(node.name),
      showName(node.op),
      show(node.aMs),
      show(node.bMs),
      showSigned(node.changeMs),
      showRatio(node),
    ]);
  const more = nodes.length > MAX_NODES ? [`… and ${nodes.length - MAX_NODES} more`] : [];
  const { count, aMs, bMs } = common;
  return [
    `${count} nodes in both: ${showMs(aMs)} in A, ${showMs(bMs)} in B (${showSigned(bMs - aMs)}, ${showRatio(common)})`,
    `${onlyInA} only in A, ${onlyInB} only in B. Means per execution, largest change first:`,
    '',
    table(['node', 'op', 'A', 'B', 'change', 'B / A'], lines, 2),
    ...more,
  ].join('\n');
}

/** Either side of a comparison. */
type Side = Timeline | EngineTimeline | TimelineFile;

/**
 * Compares two timelines node by node: means over the executions of each node, matched by name.
 *
 * @throws INVALID_OPTION for anything but timelines and files that `readTimelineFile` has read
 * @example
 * const before = await readTimelineFile('before.json');
 * console.log(compareTimelines(before, timeline).text);
 */
export function compareTimelines(a: Side, b: Side): TimelineComparison {
  const byName = (side: Side, what: string) =>
    new Map(nodeTimes(viewOf(side, `compareTimelines, ${what}`)).map((node) => [node.name, node]));
  const [inA, inB] = [byName(a, 'first timeline'), byName(b, 'second timeline')];
  const names = new Set([...inA.keys(), ...inB.keys()]);
  const nodes = [...names]
    .map((name) => pair(inA.get(name), inB.get(name)))
    .sort((x, y) => Math.abs(y.changeMs) - Math.abs(x.changeMs));
  const both = nodes.filter(({ aMs, bMs }) => aMs !== undefined && bMs !== undefined);
  const comparison = {
    nodes,
    common: {
      count: both.length,
      aMs: both.reduce((sum, { aMs }) => sum + aMs!, 0),
      bMs: both.reduce((sum, { bMs }) => sum + bMs!, 0),
    },
    onlyInA: nodes.filter(({ bMs }) => bMs === undefined).length,
    onlyInB: nodes.filter(({ aMs }) => aMs === undefined).length,
  };
  return { ...comparison, text: formatComparison(comparison) };
}
