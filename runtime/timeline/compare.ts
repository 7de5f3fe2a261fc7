/** Compares two traces node by node. */
import { type NodeTime, nodeTimes } from './summary.js';
import { showMs, showName, table } from './text.js';
import type { TraceView } from './trace-view.js';

/** A node in both traces, or in one. Means over its executions. */
export interface NodeDifference {
  readonly name: string;
  readonly op: string;
  readonly aMs: number | undefined;
  readonly bMs: number | undefined;
  /** `bMs - aMs`, a missing one counting as 0. */
  readonly changeMs: number;
}

/** What differs between two traces. */
export interface TimelineComparison {
  /** Largest change first. */
  readonly nodes: readonly NodeDifference[];
  /** Sums of the means of the nodes that both have. */
  readonly common: { readonly count: number; readonly aMs: number; readonly bMs: number };
  readonly onlyInA: number;
  readonly onlyInB: number;
  /** All of it, for a terminal. */
  readonly text: string;
}

const MAX_ROWS = 20;

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
  const rows = nodes
    .slice(0, MAX_ROWS)
    .map((node) => [
      showName(node.name),
      showName(node.op),
      show(node.aMs),
      show(node.bMs),
      showSigned(node.changeMs),
      showRatio(node),
    ]);
  const more = nodes.length > MAX_ROWS ? [`… and ${nodes.length - MAX_ROWS} more`] : [];
  const { count, aMs, bMs } = common;
  return [
    `${count} nodes in both: ${showMs(aMs)} in A, ${showMs(bMs)} in B (${showSigned(bMs - aMs)}, ${showRatio(common)})`,
    `${onlyInA} only in A, ${onlyInB} only in B. Means per execution, largest change first:`,
    '',
    table(['node', 'op', 'A', 'B', 'change', 'B / A'], rows, 2),
    ...more,
  ].join('\n');
}

/** Compares the nodes of two traces by name. */
export function compareTraces(a: TraceView, b: TraceView): TimelineComparison {
  const [inA, inB] = [a, b].map((view) => new Map(nodeTimes(view).map((node) => [node.name, node])));
  const names = new Set([...inA!.keys(), ...inB!.keys()]);
  const nodes = [...names]
    .map((name) => pair(inA!.get(name), inB!.get(name)))
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
