/** Explains the time of a lane: each of its moments belongs to exactly one part. */
import type { LaneView, Slice } from './trace-view.js';

/** Parts of a lane's time in milliseconds. Their sum is the time explained. */
export interface LaneParts {
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
  /** Before the first work on the lane: waiting in the queue, and for the message. */
  readonly beforeMs: number;
  /** Between segments: waiting for other streams, the host, or the next run. */
  readonly betweenMs: number;
  /** From the last work on the lane until the end. */
  readonly afterMs: number;
}

/** A lane with its parts. */
export interface LaneAccount extends LaneParts {
  readonly lane: string;
  /** Share of the time in which nodes or copies executed. 0 to 1. */
  readonly busyShare: number;
}

type PartName = keyof LaneParts;

const PART_OF: Readonly<Record<string, PartName>> = {
  node: 'nodesMs',
  host: 'nodesMs',
  copy: 'copiesMs',
  submit: 'submitsMs',
  fence: 'waitsMs',
  pause: 'waitsMs',
  segment: 'gapsMs',
};

const toMs = (ns: number): number => ns / 1e6;

/** Duration of each span without what it encloses. Spans are sorted, enclosing ones first. */
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

/** Time without any span: before the first, between, and after the last. On a lane without segments, gaps. */
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

/** The parts of a lane's time between two moments. */
export function accountLane({ name, slices }: LaneView, startNs: number, endNs: number): LaneAccount {
  const parts = idleParts(slices, startNs, endNs);
  const self = selfNs(slices);
  for (const [index, { cat }] of slices.entries()) {
    const part = PART_OF[cat];
    if (part !== undefined) parts[part] += toMs(self[index]!);
  }
  const wallMs = toMs(endNs - startNs);
  const busyShare = wallMs === 0 ? 0 : (parts.nodesMs + parts.copiesMs) / wallMs;
  return { lane: name, busyShare, ...parts };
}

/** What the parts add up to. */
export function explainedMs(parts: LaneParts): number {
  const { nodesMs, copiesMs, submitsMs, waitsMs, gapsMs, beforeMs, betweenMs, afterMs } = parts;
  return nodesMs + copiesMs + submitsMs + waitsMs + gapsMs + beforeMs + betweenMs + afterMs;
}
