/** Explains the time of a row: each moment belongs to exactly one part. */
import type { RowView, Slice } from './timeline-view.js';

/** Parts of a row's time in milliseconds. Their sum is the time explained. */
export interface RowParts {
  /** Nodes, host nodes included. */
  readonly nodesMs: number;
  /** Copies to the stream's memory and from it. */
  readonly copiesMs: number;
  /** Handing nodes to a queueing device. */
  readonly submitsMs: number;
  /** Waiting for the device, or before submitting more. */
  readonly waitsMs: number;
  /** Between the nodes of a segment: bookkeeping, releasing memory, the device's own gaps. */
  readonly gapsMs: number;
  /** Before the first work on the row: waiting in the queue, and for the message. */
  readonly beforeMs: number;
  /** Between segments: waiting for other streams, the host, or the next run. */
  readonly betweenMs: number;
  /** From the last work on the row until the end. */
  readonly afterMs: number;
}

/** A row with its parts. */
export interface RowAccount extends RowParts {
  /** Name of the row. */
  readonly row: string;
  /** Share of the time in which nodes or copies executed. 0 to 1. */
  readonly busyShare: number;
}

type PartName = keyof RowParts;

const PART_OF: Readonly<Record<string, PartName>> = {
  node: 'nodesMs',
  host: 'nodesMs',
  chunk: 'nodesMs',
  copy: 'copiesMs',
  submit: 'submitsMs',
  fence: 'waitsMs',
  pause: 'waitsMs',
  segment: 'gapsMs',
};

const toMs = (ns: number): number => ns / 1e6;

/** Duration of each span without what it encloses. Each span comes before those it encloses. */
function selfNs(slices: readonly Slice[]): readonly number[] {
  const self = slices.map(({ startNs, endNs }) => endNs - startNs);
  const open: number[] = [];
  for (const [index, { startNs, endNs }] of slices.entries()) {
    while (open.length > 0 && slices[open.at(-1)!]!.endNs <= startNs) open.pop();
    if (open.length > 0) self[open.at(-1)!]! -= endNs - startNs;
    open.push(index);
  }
  return self;
}

/** Time without any span: before the first, between them, after the last. Between counts as gaps on a row without segments. */
function idleParts(slices: readonly Slice[], startNs: number, endNs: number): Record<PartName, number> {
  const parts = emptyParts();
  const between = slices.some(({ cat }) => cat === 'segment') ? 'betweenMs' : 'gapsMs';
  let reachedNs = startNs;
  for (const [index, slice] of slices.entries()) {
    if (slice.startNs > reachedNs)
      parts[index === 0 ? 'beforeMs' : between] += toMs(slice.startNs - reachedNs);
    reachedNs = Math.max(reachedNs, slice.endNs);
  }
  parts.afterMs += Math.max(0, toMs(endNs - reachedNs));
  return parts;
}

function emptyParts(): Record<PartName, number> {
  return {
    nodesMs: 0,
    copiesMs: 0,
    submitsMs: 0,
    waitsMs: 0,
    gapsMs: 0,
    beforeMs: 0,
    betweenMs: 0,
    afterMs: 0,
  };
}

/** Splits a row's time between two moments into its parts. */
export function accountRow({ name, slices }: RowView, startNs: number, endNs: number): RowAccount {
  const parts = idleParts(slices, startNs, endNs);
  const self = selfNs(slices);
  for (const [index, { cat }] of slices.entries()) {
    const part = PART_OF[cat];
    if (part !== undefined) parts[part] += toMs(self[index]!);
  }
  const wallMs = toMs(endNs - startNs);
  const busyShare = wallMs === 0 ? 0 : (parts.nodesMs + parts.copiesMs) / wallMs;
  return { row: name, busyShare, ...parts };
}

/** Adds the parts up. */
export function explainedMs(parts: RowParts): number {
  const { nodesMs, copiesMs, submitsMs, waitsMs, gapsMs, beforeMs, betweenMs, afterMs } = parts;
  return nodesMs + copiesMs + submitsMs + waitsMs + gapsMs + beforeMs + betweenMs + afterMs;
}
