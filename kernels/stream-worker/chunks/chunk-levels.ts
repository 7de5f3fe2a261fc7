/** The chunks of one program on one stream: a few levels of granularity, made when they are first asked for. */
import { type CancellationMode, checkSpacingMs } from '../../../scheduler/cancellation.js';
import type { DeviceWork } from '../../../scheduler/device-wait.js';
import type { ChunkCompiler } from '../../../scheduler/kernel.js';
import type { StepList } from '../step-list.js';
import { type Level, LevelBuilder } from './level-builder.js';
import { isOutOfMemory, type PiecewiseWork, type RehearsedProgram } from './rehearsal.js';

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

/** Ends the making of a level, which frees what it had. */
function abandon(work: PiecewiseWork<Level>): void {
  try {
    work.throw(new Error('the program is unloaded'));
  } catch {
    // Nobody waits for the level.
  }
}

/** A level in the making. */
interface Making {
  readonly limitMs: number;
  readonly work: PiecewiseWork<Level>;
  /** What the work said when it was told that a piece had failed. */
  answer: IteratorResult<DeviceWork<void>, Level> | undefined;
}

export class ChunkLevels {
  readonly #builder: LevelBuilder;
  /** By limit. `undefined`: could not be made. */
  readonly #levels = new Map<number, Level | undefined>();
  /** Limits of levels that are to be made. */
  readonly #wanted = new Set<number>();
  /** Those of them that the program is to have before it counts as loaded. */
  readonly #ahead = new Set<number>();
  #making: Making | undefined;
  #failure: unknown;

  constructor(rehearsed: RehearsedProgram, compiler: ChunkCompiler) {
    this.#builder = new LevelBuilder(rehearsed, compiler);
    for (const mode of rehearsed.program.chunks?.ahead ?? []) this.#want(limitOf(mode));
    for (const limitMs of this.#wanted) this.#ahead.add(limitMs);
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

  /** Whether the program has the levels that it is to have from the start. */
  get isReady(): boolean {
    return this.#ahead.size === 0;
  }

  /** Why it cannot have one of them, other than for its memory. */
  get failure(): unknown {
    return this.#failure;
  }

  /** Does a piece of what is wanted. A level that cannot be made is not tried again: runs do without. */
  *makeNext(): DeviceWork<void> {
    const [limitMs] = this.#wanted;
    if (limitMs === undefined) return;
    this.#making ??= { limitMs, work: this.#builder.build(limitMs), answer: undefined };
    try {
      const level = yield* this.#makePiece(this.#making);
      if (level !== undefined) this.#finish(limitMs, level);
    } catch (error) {
      if (this.#ahead.has(limitMs) && !isOutOfMemory(error)) this.#failure ??= error;
      this.#finish(limitMs, undefined);
    }
  }

  /** Returns the level once it is made. */
  *#makePiece(making: Making): DeviceWork<Level | undefined> {
    const next = making.answer ?? making.work.next();
    making.answer = undefined;
    if (next.done) return next.value;
    try {
      yield* next.value;
    } catch (error) {
      making.answer = making.work.throw(error);
    }
    return undefined;
  }

  #finish(limitMs: number, level: Level | undefined): void {
    this.#levels.set(limitMs, level);
    this.#wanted.delete(limitMs);
    this.#ahead.delete(limitMs);
    this.#making = undefined;
  }

  /** Frees all chunks. No run is open. */
  release(): void {
    if (this.#making !== undefined) abandon(this.#making.work);
    this.#making = undefined;
    for (const level of this.#levels.values()) level?.release();
    this.#levels.clear();
    this.#wanted.clear();
    this.#ahead.clear();
  }
}
