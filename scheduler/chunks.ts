/** Chunks: consecutive steps made one. Where to cut, and what a chunk takes, leaves behind and frees. */
import type { NodeId, ValueId } from './graph.js';
import type { StepRange } from './program.js';
import type { PreparedExports, PreparedStep } from './segment-execution.js';

/** What is known of the steps to cut. */
export interface CutSource {
  /** Estimated time of each step in milliseconds. */
  readonly costsMs: ArrayLike<number>;
  /** Longest time that a chunk of several steps is to take. */
  readonly limitMs: number;
  /** Whether the step cannot be part of a chunk. */
  isAlone(step: number): boolean;
  /** Whether somebody waits for the step: a chunk ends with it. */
  isAwaited(step: number): boolean;
}

/** Steps without a forced cut between them. */
function stretchesOf({ firstStep, endStep }: StepRange, source: CutSource): StepRange[] {
  const stretches: StepRange[] = [];
  let begin = firstStep;
  const end = (step: number) => {
    if (step > begin) stretches.push({ firstStep: begin, endStep: step });
    begin = step;
  };
  for (let step = firstStep; step < endStep; step++) {
    if (source.isAlone(step)) end(step);
    if (source.isAlone(step) || source.isAwaited(step)) end(step + 1);
  }
  end(endStep);
  return stretches;
}

/** Cuts a stretch into as few chunks as the limit allows, of about the same length. */
function cutStretch({ firstStep, endStep }: StepRange, { costsMs, limitMs }: CutSource): StepRange[] {
  let totalMs = 0;
  for (let step = firstStep; step < endStep; step++) totalMs += costsMs[step]!;
  const targetMs = totalMs / Math.max(1, Math.ceil(totalMs / limitMs));
  const chunks: StepRange[] = [];
  let [begin, chunkMs] = [firstStep, 0];
  for (let step = firstStep; step < endStep; step++) {
    const costMs = costsMs[step]!;
    const isFull = chunkMs + costMs / 2 > targetMs || chunkMs + costMs > limitMs;
    if (step > begin && isFull) {
      chunks.push({ firstStep: begin, endStep: step });
      [begin, chunkMs] = [step, 0];
    }
    chunkMs += costMs;
  }
  chunks.push({ firstStep: begin, endStep });
  return chunks;
}

/** Cuts the steps of a segment into chunks; a step that is longer than the limit is one by itself. */
export function cutChunks(segment: StepRange, source: CutSource): StepRange[] {
  return stretchesOf(segment, source).flatMap((stretch) => cutStretch(stretch, source));
}

/** What a chunk is to the run, apart from how it executes. */
export interface MergedSteps {
  /** Values that it makes and that are needed after it. */
  readonly outputs: readonly ValueId[];
  readonly completes: readonly NodeId[];
  readonly frees: readonly ValueId[] | undefined;
  readonly exports: PreparedExports | undefined;
}

function mergeExports(steps: readonly PreparedStep[]): PreparedExports | undefined {
  const all = steps.flatMap(({ exports }) => exports ?? []);
  if (all.length === 0) return undefined;
  return {
    values: all.flatMap(({ values }) => values),
    awaited: all.some(({ awaited }) => awaited),
  };
}

/**
 * Merges consecutive steps. What only they use never leaves the chunk.
 *
 * @param made the values that the steps make, in order
 */
export function mergeSteps(steps: readonly PreparedStep[], made: readonly ValueId[]): MergedSteps {
  const exports = mergeExports(steps);
  const exported = new Set(exports?.values.map(({ value }) => value));
  const freed = new Set(steps.flatMap(({ frees }) => frees ?? []));
  const inside = new Set(made.filter((value) => freed.has(value) && !exported.has(value)));
  const frees = [...freed].filter((value) => !inside.has(value));
  return {
    outputs: made.filter((value) => !inside.has(value)),
    completes: steps.flatMap(({ completes }) => completes),
    frees: frees.length > 0 ? frees : undefined,
    exports,
  };
}
