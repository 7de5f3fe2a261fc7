/**
 * The rule for preempting work on queueing devices that XSched published (OSDI'25), and why the simulation differs from
 * it where it does.
 */
import { DEVICE_PROFILES } from '../kernels/virtual/profiles.js';
import { formatChange } from './table.js';
import { type Cell, formatKernel, PROFILE } from './virtual-chain.js';

/** Over this many commands in flight the rule promises the least overhead. */
const WIDE_WINDOW = 10;
/** By how much a lateness may be off that the rule gives as "about". */
const ABOUT = 0.25;

/** Overheads as ratios that the rule allows, and how it says so. */
interface RuleOverhead {
  readonly least: number;
  readonly most: number;
  readonly text: string;
}

/** With w commands in flight, preemption takes about w kernel times. */
export function ruleLatenessMs({ kernelMs, peakInFlight }: Cell): number {
  return kernelMs * peakInFlight;
}

/** What the rule says about a mode that has that many commands in flight. */
export function ruleOverhead({ mode, peakInFlight }: Cell): RuleOverhead {
  if (mode === 'none') return { least: 1, most: 1, text: '' };
  if (peakInFlight === 1) return { least: 1.08, most: 2.51, text: '8–151 %' };
  if (peakInFlight > WIDE_WINDOW) return { least: 0, most: 1.01, text: '< 1 %' };
  return { least: 1.01, most: 1.08, text: '1–8 %' };
}

function overheadDiffers(cell: Cell): boolean {
  const { least, most } = ruleOverhead(cell);
  // A complete run without any stop may be equal to the last digit but one.
  return cell.overhead < least - 1e-9 || cell.overhead > most + 1e-9;
}

function latenessDiffers(cell: Cell): boolean {
  const ratio = cell.lateness.p99 / ruleLatenessMs(cell);
  return ratio < 1 - ABOUT || ratio > 1 + ABOUT;
}

const { submitMs, fenceMs, messageMs } = DEVICE_PROFILES[PROFILE];
/** From the end of the last kernel until the run has settled: the fence and the stream's message. */
const settleMs = fenceMs + messageMs;

/** Why some cells differ. */
interface Reason {
  readonly differs: (cell: Cell) => boolean;
  readonly applies: (cell: Cell) => boolean;
  readonly why: string;
}

const LATENESS: readonly Reason[] = [
  {
    differs: latenessDiffers,
    applies: ({ mode }) => mode === 'none',
    why:
      "Lateness of 'none': it goes on submitting after the deadline, as TensorFlow does, so it is late by the rest of the " +
      'graph; the rule is about stopping to submit, when only the queue is left.',
  },
  {
    differs: latenessDiffers,
    applies: (cell) =>
      cell.lateness.p99 > ruleLatenessMs(cell) && cell.lateness.p99 < ruleLatenessMs(cell) + 2 * settleMs,
    why:
      `Lateness above the rule: a fence (${formatKernel(fenceMs)}) and a message (${formatKernel(messageMs)}) lie between ` +
      'the end of the last kernel and the settled run; the rule counts kernel times only, and these are shorter.',
  },
  {
    differs: latenessDiffers,
    applies: ({ peakInFlight }) => peakInFlight <= WIDE_WINDOW,
    why:
      'Lateness below the rule: the window is bounded in time and w is its peak. With few kernels in it, the next one is ' +
      'submitted only when the running one is nearly done, so most of the time fewer than w are in flight.',
  },
  {
    differs: latenessDiffers,
    applies: (cell) => cell.lateness.p99 < ruleLatenessMs(cell),
    why:
      'Lateness below the rule: the graph is hardly longer than the window, so that w is reached once, and most stops come ' +
      'before that or near the end.',
  },
];

const OVERHEAD: readonly Reason[] = [
  {
    differs: overheadDiffers,
    applies: ({ peakInFlight }) => peakInFlight === 1,
    why:
      `Overhead of one in flight: per kernel one submission (${formatKernel(submitMs)}) and one fence (${formatKernel(fenceMs)}) that ` +
      `nothing overlaps: ${overheadText(0.005)} at 5 µs, ${overheadText(0.01)} at 10 µs, ${overheadText(0.2)} at 200 µs, ` +
      `${overheadText(10)} at 10 ms. In this model the published 8 to 151 % belong to kernels of 10 to 190 µs.`,
  },
  {
    differs: overheadDiffers,
    applies: ({ overhead, peakInFlight }) => overhead < 1.01 && peakInFlight <= WIDE_WINDOW,
    why:
      'Overhead of 2 to 10 in flight: under 1 % already, since what keeps the device busy is time, not a count: the next ' +
      'kernel is there before the running one ends, and fences are waited for while the device works.',
  },
];

/** What one submission and one fence per kernel cost beside free submission, which takes the longer of both. */
function overheadText(kernelMs: number): string {
  return formatChange((kernelMs + submitMs + fenceMs) / Math.max(kernelMs, submitMs));
}

function explain(cells: readonly Cell[], reasons: readonly Reason[]): string[] {
  const left = new Set(cells);
  const name = ({ kernelMs, mode }: Cell) => `${formatKernel(kernelMs)} ${mode}`;
  const lines = reasons.flatMap(({ differs, applies, why }) => {
    const explained = [...left].filter((cell) => differs(cell) && applies(cell));
    for (const cell of explained) left.delete(cell);
    return explained.length === 0 ? [] : [`· ${why}\n  (${explained.map(name).join(', ')})`];
  });
  const rest = [...left].filter((cell) => reasons[0]!.differs(cell));
  return rest.length === 0 ? lines : [...lines, `· Not explained: ${rest.map(name).join(', ')}`];
}

/** A sentence for each way in which cells differ from the rule, with the cells. */
export function explainDifferences(cells: readonly Cell[]): string[] {
  return [
    "Where this differs from the published rule (XSched, OSDI'25), and why:",
    ...explain(cells, LATENESS),
    ...explain(cells, OVERHEAD),
  ];
}
