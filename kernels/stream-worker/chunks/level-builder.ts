/**
 * Builds levels of granularity: cuts a program by what its nodes are estimated to take, measures the chunks, corrects
 * the estimates by what was measured, and cuts again what takes too long.
 */
import { type CutSource, cutChunks } from '../../../scheduler/chunks.js';
import type { DeviceWork } from '../../../scheduler/device-wait.js';
import { CurfewError } from '../../../scheduler/errors.js';
import type { Chunk, ChunkCompiler, Recording, ValueTable } from '../../../scheduler/kernel.js';
import type { StepRange } from '../../../scheduler/program.js';
import type { PreparedStep } from '../../../scheduler/segment-execution.js';
import type { StepList } from '../step-list.js';
import { compilePiece, listPieces, type Piece } from './level.js';
import {
  executeNode,
  isOutOfMemory,
  type PiecewiseWork,
  type RehearsedProgram,
  rehearse,
} from './rehearsal.js';

/** A program cut into chunks. */
export interface Level {
  readonly list: StepList;
  /**
   * How long a chunk of several nodes takes at most, in milliseconds: what cannot be cut further does not count. Stays what it
   * was when the level was made: what a busy machine adds would come and go.
   */
  readonly longestMs: number;
  release(): void;
}

/** Executions that are timed; the first of a chunk is not: it optimizes the graph. */
const TIMED_ROUNDS = 3;
/** How often a program is cut, and how often of these as a whole: estimates are corrected by each cut. */
const MAX_CUTS = 5;
const FULL_CUTS = 2;
/** A chunk that is longer than the limit by less than machines vary is not cut again. */
const NEARLY = 1.15;
/** A level counts as fine enough if its longest chunk is at most this many times too long: limits leave that room. */
const SLACK = 1.3;
/** Rough speeds for the first estimates, of which only the proportions matter: operations and bytes in a millisecond. */
const OPERATIONS_PER_MS = 2e7;
const BYTES_PER_MS = 1e7;
/** Every node takes some time. */
const LEAST_MS = 0.0005;

/** Once this long has been spent on timing a cut, what was seen has to do; and on a level, the last cut has. */
const MAX_TIMING_MS = 300;
const MAX_BUILDING_MS = 5000;

/** Whether the device refuses these nodes together. */
const isRefusal = (error: unknown) => error instanceof CurfewError && error.code === 'UNSUPPORTED_OP';

/** A chunk failed on made-up data. */
class FailedPiece extends Error {
  readonly piece: Piece;

  constructor(piece: Piece, cause: unknown) {
    super('a chunk failed on made-up data', { cause });
    this.piece = piece;
  }
}

export class LevelBuilder {
  readonly #rehearsed: RehearsedProgram;
  readonly #compiler: ChunkCompiler;
  /** Estimated time of each node in a chunk. */
  readonly #costsMs: Float64Array;
  #recordings: (Recording | undefined)[] | undefined;
  /** Measured time of each node by itself. */
  #plainMs: Float64Array | undefined;

  constructor(rehearsed: RehearsedProgram, compiler: ChunkCompiler) {
    this.#rehearsed = rehearsed;
    this.#compiler = compiler;
    this.#costsMs = Float64Array.from(
      rehearsed.program.steps,
      ({ node: { cost } }) => LEAST_MS + cost.operations / OPERATIONS_PER_MS + cost.bytes / BYTES_PER_MS,
    );
  }

  /**
   * Builds a level. Whatever it throws, nothing is left of the level.
   *
   * @param limitMs longest time of a chunk of several nodes; 0: each node by itself, in the way that is faster
   */
  *build(limitMs: number): PiecewiseWork<Level> {
    const startMs = this.#rehearsed.clock.nowMs();
    if (this.#recordings === undefined) yield* this.#record();
    let pieces: Piece[][] = [];
    try {
      for (let cut = 0; ; cut++) {
        const segments = cut < FULL_CUTS ? this.#cutAll(limitMs) : this.#cutLong(pieces, limitMs);
        const former = pieces;
        pieces = [];
        pieces = yield* this.#compileAll(segments, former);
        const timesMs = yield* this.#tryMeasure(pieces);
        if (timesMs === undefined) continue;
        this.#learn(pieces, timesMs);
        const longestMs = longestOf(pieces, timesMs);
        const isLast = cut >= MAX_CUTS || this.#rehearsed.clock.nowMs() - startMs > MAX_BUILDING_MS;
        if (longestMs <= NEARLY * limitMs || isLast) {
          pieces = yield* this.#preferPlain(pieces, timesMs);
          return this.#level(pieces, longestMs <= SLACK * limitMs ? Math.min(longestMs, limitMs) : longestMs);
        }
      }
    } catch (error) {
      releaseAll(pieces);
      throw error;
    }
  }

  /** The times of the pieces; `undefined` when a chunk failed: its nodes stay out of chunks from now on. */
  *#tryMeasure(pieces: readonly (readonly Piece[])[]): PiecewiseWork<number[] | undefined> {
    try {
      return yield* this.#measure(pieces);
    } catch (error) {
      if (!(error instanceof FailedPiece)) throw error;
      const { firstStep, endStep } = error.piece;
      this.#recordings!.fill(undefined, firstStep, endStep);
      return undefined;
    }
  }

  /** Notes what each node does. */
  *#record(): PiecewiseWork<void> {
    const { plain, program } = this.#rehearsed;
    const recordings: (Recording | undefined)[] = program.steps.map(() => undefined);
    yield* rehearse(this.#rehearsed, {
      list: plain,
      execute: (step, values) =>
        executeNode(this.#rehearsed, step, values, () => {
          recordings[step] = this.#compiler.record(program.steps[step]!.node, values);
        }),
      took: () => undefined,
    });
    this.#recordings = recordings;
  }

  get #source(): Omit<CutSource, 'limitMs'> {
    const { steps } = this.#rehearsed.plain;
    return {
      costsMs: this.#costsMs,
      isAlone: (step) => this.#recordings![step] === undefined,
      isAwaited: (step) => steps[step]!.exports?.awaited === true,
    };
  }

  /** Cuts by what has been learned so far. */
  #cutAll(limitMs: number): StepRange[][] {
    const source = { ...this.#source, limitMs };
    return this.#rehearsed.plain.segments.map((segment) => cutChunks(segment, source));
  }

  /** Cuts only what takes too long, into one part more than its time asks for: estimates within it were wrong. */
  #cutLong(pieces: readonly (readonly Piece[])[], limitMs: number): StepRange[][] {
    return pieces.map((segment) =>
      segment.flatMap((piece): StepRange[] => {
        const ms = sumOf(this.#costsMs, piece);
        if (piece.chunk === undefined || ms <= NEARLY * limitMs) return [piece];
        return cutChunks(piece, { ...this.#source, limitMs: ms / (Math.ceil(ms / limitMs) + 1) });
      }),
    );
  }

  /** Makes the chunks of all ranges; those that there are already stay, others are released. */
  *#compileAll(
    segments: readonly (readonly StepRange[])[],
    former: readonly (readonly Piece[])[],
  ): PiecewiseWork<Piece[][]> {
    const known = new Map(former.flat().map((piece) => [keyOf(piece), piece]));
    const pieces: Piece[][] = segments.map(() => []);
    try {
      for (const [index, segment] of segments.entries()) {
        for (const range of segment) {
          const piece = known.get(keyOf(range));
          if (piece !== undefined) {
            known.delete(keyOf(range));
            pieces[index]!.push(piece);
          } else {
            yield this.#compile(range, pieces[index]!);
          }
        }
      }
    } catch (error) {
      releaseAll(pieces);
      throw error;
    } finally {
      releaseAll([[...known.values()]]);
    }
    return pieces;
  }

  // biome-ignore lint/correctness/useYield: a piece of work on a device that need not be waited for
  *#compile(range: StepRange, pieces: Piece[]): DeviceWork<void> {
    this.#compileRange(range, pieces);
  }

  /** Makes a chunk. Nodes that the device refuses together are tried in halves, down to single ones. */
  #compileRange(range: StepRange, pieces: Piece[]): void {
    const { firstStep, endStep } = range;
    const recordings = this.#recordings!;
    if (recordings[firstStep] === undefined) {
      pieces.push({ firstStep, endStep, chunk: undefined });
      return;
    }
    let chunk: Chunk | undefined;
    try {
      chunk = compilePiece(this.#rehearsed, range, recordings, this.#compiler);
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
    if (chunk !== undefined) {
      pieces.push({ firstStep, endStep, chunk });
    } else if (endStep - firstStep === 1) {
      recordings[firstStep] = undefined;
      pieces.push({ firstStep, endStep, chunk: undefined });
    } else {
      const middle = (firstStep + endStep) >> 1;
      this.#compileRange({ firstStep, endStep: middle }, pieces);
      this.#compileRange({ firstStep: middle, endStep }, pieces);
    }
  }

  /** The time of each piece: the shortest, as whatever else the machine does only adds to it. */
  *#measure(pieces: readonly (readonly Piece[])[]): PiecewiseWork<number[]> {
    const flat = pieces.flat();
    const list = listPieces(this.#rehearsed, pieces, this.#costsMs);
    const timesMs = new Array<number>(flat.length).fill(Number.POSITIVE_INFINITY);
    let spentMs = 0;
    for (let round = 0; round <= TIMED_ROUNDS; round++) {
      // The first time a chunk runs, the device may prepare it for longer than it runs.
      const firstMs = new Array<number>(flat.length).fill(Number.POSITIVE_INFINITY);
      const into = round === 0 ? firstMs : timesMs;
      yield* rehearse(this.#rehearsed, {
        list,
        execute: (step, values) => this.#executePiece(flat[step]!, list.steps[step]!, values),
        took: (step, ms) => {
          into[step] = Math.min(into[step]!, ms);
          spentMs += ms;
        },
      });
      if (spentMs > MAX_TIMING_MS) return round === 0 ? firstMs : timesMs;
    }
    return timesMs;
  }

  #executePiece(piece: Piece, { run }: PreparedStep, values: ValueTable): void {
    if (piece.chunk === undefined) {
      executeNode(this.#rehearsed, piece.firstStep, values);
      return;
    }
    try {
      run(values);
    } catch (error) {
      throw isOutOfMemory(error) ? error : new FailedPiece(piece, error);
    }
  }

  /** Corrects the estimates of the nodes in each chunk. */
  #learn(pieces: readonly (readonly Piece[])[], timesMs: readonly number[]): void {
    for (const [index, piece] of pieces.flat().entries()) {
      if (piece.chunk === undefined) continue;
      const factor = timesMs[index]! / sumOf(this.#costsMs, piece);
      for (let step = piece.firstStep; step < piece.endStep; step++)
        this.#costsMs[step] = Math.max(LEAST_MS, this.#costsMs[step]! * factor);
    }
  }

  /** Gives up the chunks of single nodes that are faster by themselves. */
  *#preferPlain(pieces: readonly (readonly Piece[])[], timesMs: readonly number[]): PiecewiseWork<Piece[][]> {
    const isSingle = ({ chunk, firstStep, endStep }: Piece) =>
      chunk !== undefined && endStep - firstStep === 1;
    if (!pieces.flat().some(isSingle)) return pieces.map((segment) => [...segment]);
    const plainMs = yield* this.#timePlain();
    let index = 0;
    return pieces.map((segment) =>
      segment.map((piece) => {
        const ms = timesMs[index++]!;
        if (!isSingle(piece) || ms < plainMs[piece.firstStep]!) return piece;
        piece.chunk!.release();
        return { ...piece, chunk: undefined };
      }),
    );
  }

  *#timePlain(): PiecewiseWork<Float64Array> {
    if (this.#plainMs === undefined) {
      const { segments, steps } = this.#rehearsed.plain;
      const alone = segments.map(({ firstStep, endStep }) =>
        steps.slice(firstStep, endStep).map((_, index): Piece => {
          const step = firstStep + index;
          return { firstStep: step, endStep: step + 1, chunk: undefined };
        }),
      );
      this.#plainMs = Float64Array.from(yield* this.#measure(alone));
    }
    return this.#plainMs;
  }

  #level(pieces: readonly (readonly Piece[])[], longestMs: number): Level {
    const flat = pieces.flat();
    const list = listPieces(this.#rehearsed, pieces, this.#costsMs);
    for (const [index, { firstStep, endStep, chunk }] of flat.entries()) {
      const known =
        chunk === undefined ? this.#plainMs?.[firstStep] : sumOf(this.#costsMs, { firstStep, endStep });
      if (known !== undefined) list.costs.learn(index, index + 1, known);
    }
    return { list, longestMs, release: () => releaseAll(pieces) };
  }
}

const keyOf = ({ firstStep, endStep }: StepRange): string => `${firstStep} ${endStep}`;

function sumOf(costsMs: Float64Array, { firstStep, endStep }: StepRange): number {
  return costsMs.subarray(firstStep, endStep).reduce((sum, ms) => sum + ms, 0);
}

/** The longest chunk that can be cut. */
function longestOf(pieces: readonly (readonly Piece[])[], timesMs: readonly number[]): number {
  return pieces
    .flat()
    .reduce(
      (most, { firstStep, endStep }, index) =>
        endStep - firstStep > 1 ? Math.max(most, timesMs[index]!) : most,
      0,
    );
}

function releaseAll(pieces: readonly (readonly Piece[])[]): void {
  for (const { chunk } of pieces.flat()) chunk?.release();
}
