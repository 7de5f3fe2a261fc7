/** The chunks of one program on one stream: a few levels of granularity, made when they are first asked for. */
import { type CancellationMode, checkSpacingMs } from '../../../scheduler/cancellation.js';
import type { DeviceWork } from '../../../scheduler/device-wait.js';
import type { ChunkCompiler } from '../../../scheduler/kernel.js';
import type { StepList } from '../step-list.js';
import { type Level, LevelBuilder, type PiecewiseWork } from './level-builder.js';
import type { RehearsedProgram } from './rehearsal.js';

/** Levels beside those of `'none'` and `'node'`. Each holds the program's constants once more. */
const MAX_LEVELS = 6;
/** A level whose limit is at least this share of what a mode allows serves it well enough. */
const NEAR_ENOUGH = 0.6;

/** The longest chunk that a mode allows. */
function limitOf(mode: CancellationMode): number {
  switch (mode.kind) {
    case 'none':
      return Number.POSITIVE_INFINITY;
    case 'node':
      return 0;
    case 'precision':
      return checkSpacingMs(mode);
  }
}

const isBetween = (limitMs: number) => limitMs > 0 && limitMs < Number.POSITIVE_INFINITY;

/** A piece that failed fails the whole level, which frees what it had. */
function abandon(work: PiecewiseWork<Level>, error: unknown): void {
  try {
    work.throw(error);
  } catch {
    // Runs do without the level.
  }
}

export class ChunkLevels {
  readonly #builder: LevelBuilder;
  readonly #ahead: readonly CancellationMode[];
  /** By limit. `undefined`: could not be made. */
  readonly #levels = new Map<number, Level | undefined>();
  /** Limits of levels that are to be made. */
  readonly #wanted = new Set<number>();
  #making: { readonly limitMs: number; readonly work: PiecewiseWork<Level> } | undefined;

  constructor(rehearsed: RehearsedProgram, compiler: ChunkCompiler) {
    this.#builder = new LevelBuilder(rehearsed, compiler);
    this.#ahead = rehearsed.program.chunks?.ahead ?? [];
  }

  /** The steps that suit a mode best, of those there are. `undefined`: each node by itself. */
  stepsFor(mode: CancellationMode): StepList | undefined {
    const limitMs = limitOf(mode);
    this.#want(limitMs);
    let best: Level | undefined;
    for (const level of this.#levels.values()) {
      if (level === undefined || level.longestMs > limitMs) continue;
      if (best === undefined || level.list.steps.length < best.list.steps.length) best = level;
    }
    return best?.list;
  }

  #want(limitMs: number): void {
    if (this.#levels.has(limitMs) || this.#wanted.has(limitMs)) return;
    if (isBetween(limitMs)) {
      const limits = [...this.#levels.keys(), ...this.#wanted].filter(isBetween);
      if (limits.length >= MAX_LEVELS || this.#hasNear(limitMs)) return;
    }
    this.#wanted.add(limitMs);
  }

  /** Whether a level of its own would hardly be coarser than one that there is or will be. */
  #hasNear(limitMs: number): boolean {
    const isNear = (other: number) => other >= NEAR_ENOUGH * limitMs;
    for (const wanted of this.#wanted) if (wanted <= limitMs && isNear(wanted)) return true;
    for (const [other, level] of this.#levels)
      if (level !== undefined && level.longestMs <= limitMs && isNear(other)) return true;
    return false;
  }

  /** Whether a level is still to be made. */
  get isWanting(): boolean {
    return this.#wanted.size > 0;
  }

  /** Makes the levels that the program is to have from the start. */
  *makeAhead(): DeviceWork<void> {
    for (const mode of this.#ahead) this.#want(limitOf(mode));
    while (this.isWanting) yield* this.makeNext();
  }

  /** Does a piece of what is wanted. A level that cannot be made is not tried again: runs do without. */
  *makeNext(): DeviceWork<void> {
    const [limitMs] = this.#wanted;
    if (limitMs === undefined) return;
    this.#making ??= { limitMs, work: this.#builder.build(limitMs) };
    const { work } = this.#making;
    try {
      const next = work.next();
      if (next.done) this.#finish(limitMs, next.value);
      else yield* next.value;
    } catch (error) {
      abandon(work, error);
      this.#finish(limitMs, undefined);
    }
  }

  #finish(limitMs: number, level: Level | undefined): void {
    this.#levels.set(limitMs, level);
    this.#wanted.delete(limitMs);
    this.#making = undefined;
  }

  /** Frees all chunks. No run is open. */
  release(): void {
    if (this.#making !== undefined) abandon(this.#making.work, new Error('the program is unloaded'));
    this.#making = undefined;
    for (const level of this.#levels.values()) level?.release();
    this.#levels.clear();
    this.#wanted.clear();
  }
}
