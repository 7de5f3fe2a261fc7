/** Cancellation modes, the control word of a run, and how checks are spaced by measured node costs. */
import { curfewError, quote } from './errors.js';

/** What a caller may ask for. See the table of modes in README.md. */
export type CancellationOption = 'none' | 'node' | 'preempt' | { readonly precisionMs: number };

/** A mode that this version executes. */
export type CancellationMode =
  | { readonly kind: 'none' }
  | { readonly kind: 'node' }
  | { readonly kind: 'precision'; readonly precisionMs: number };

/**
 * The state of a run, in the low bits of its control word. The first of the stopping states to be set stays.
 * The bits above count the runs that used the word, so that a late writer cannot stop the next run.
 */
export const RUN_STATE = Object.freeze({ running: 0, aborted: 1, deadline: 2, failed: 3 });
/** The bits of a control word that hold the state. */
export const STATE_MASK = 3;
/** How far the count of runs is shifted. */
export const GENERATION_SHIFT = 2;

/** Why a run was stopped. */
export type StopReason = 'aborted' | 'deadline-exceeded' | 'failed';

const REASONS: readonly (StopReason | undefined)[] = [undefined, 'aborted', 'deadline-exceeded', 'failed'];

/** The reason a control word gives, `undefined` while the run goes on. */
export function stopReasonOf(word: number): StopReason | undefined {
  return REASONS[word & STATE_MASK];
}

/** What the dispatch loop and the worker's node loop look at between nodes. */
export interface ControlWord {
  readonly words: Int32Array;
  readonly index: number;
}

/** A cancellation point: one atomic load. */
export function isStopped(control: ControlWord): boolean {
  return (Atomics.load(control.words, control.index) & STATE_MASK) !== 0;
}

/** A mode in the shape of the option, as reports have it. */
export type RunMode = 'none' | 'node' | { readonly precisionMs: number };

export function runModeOf(mode: CancellationMode): RunMode {
  return mode.kind === 'precision' ? Object.freeze({ precisionMs: mode.precisionMs }) : mode.kind;
}

/** A mode in words: `none`, `node`, `precision 5 ms`. */
export function formatMode(mode: RunMode): string {
  return typeof mode === 'object' ? `precision ${mode.precisionMs} ms` : mode;
}

/**
 * The mode of a run. Without a value: `'none'` when nothing could stop the run, `'node'` otherwise.
 *
 * @param name of the option that has the value, for messages
 * @throws INVALID_OPTION for anything else than the documented values; UNSUPPORTED_OPTION for `'preempt'`
 */
export function resolveMode(option: unknown, canStop: boolean, name = 'cancellation'): CancellationMode {
  if (option === undefined) return { kind: canStop ? 'node' : 'none' };
  if (option === 'none' || option === 'node') return { kind: option };
  if (option === 'preempt') {
    throw curfewError(
      'UNSUPPORTED_OPTION',
      `${name}: expected 'none', 'node' or { precisionMs }; 'preempt' is not available yet`,
      {
        expected: ['none', 'node', '{ precisionMs }'],
        received: option,
      },
    );
  }
  const precisionMs: unknown =
    typeof option === 'object' && option !== null ? Reflect.get(option, 'precisionMs') : undefined;
  if (typeof precisionMs === 'number' && Number.isFinite(precisionMs) && precisionMs > 0) {
    return { kind: 'precision', precisionMs };
  }
  throw curfewError(
    'INVALID_OPTION',
    `${name}: expected 'none', 'node' or { precisionMs: number above 0 }, received ${
      precisionMs === undefined ? quote(option) : `{ precisionMs: ${quote(precisionMs)} }`
    }`,
    { expected: "'none', 'node' or { precisionMs }", received: option },
  );
}

/**
 * Share of `precisionMs` that the nodes between two checks are meant to take. The rest is for estimates that are
 * somewhat low and for the way from the deadline to the control word.
 */
const SPACING_SHARE = 0.75;

/** How far one observation may move an estimate, so that one disturbed window does not spoil it. */
const MAX_CORRECTION = 2;

/**
 * Durations of a program's nodes in milliseconds, learned from the time between checks. A node never measured counts
 * as infinitely long, so it is checked before and after and thereby measured.
 */
export class NodeCosts {
  readonly ms: Float64Array;

  constructor(nodes: number) {
    this.ms = new Float64Array(nodes).fill(Number.POSITIVE_INFINITY);
  }

  /** The steps from `first` to before `end` together took `elapsedMs`. */
  learn(first: number, end: number, elapsedMs: number): void {
    if (end - first === 1) {
      const known = this.ms[first]!;
      this.ms[first] = Number.isFinite(known) ? (known + elapsedMs) / 2 : elapsedMs;
      return;
    }
    let estimatedMs = 0;
    for (let step = first; step < end; step++) estimatedMs += this.ms[step]!;
    if (estimatedMs <= 0) return;
    const factor = Math.min(MAX_CORRECTION, Math.max(1 / MAX_CORRECTION, elapsedMs / estimatedMs));
    for (let step = first; step < end; step++) this.ms[step]! *= factor;
  }
}

/** The estimated time in milliseconds that may pass between two checks. */
export function checkSpacingMs(mode: { readonly precisionMs: number }): number {
  return mode.precisionMs * SPACING_SHARE;
}
