/** A level of granularity: a program cut into chunks that take no longer than the level's limit. */

import { mergeSteps } from '../../../scheduler/chunks.js';
import type { Chunk, ChunkCompiler, Recording } from '../../../scheduler/kernel.js';
import type { StepRange } from '../../../scheduler/program.js';
import type { PreparedStep } from '../../../scheduler/segment-execution.js';
import { listSteps, type StepList } from '../step-list.js';
import type { RehearsedProgram } from './rehearsal.js';

/** Consecutive plain steps and the chunk made of them; a node that is executed by itself has none. */
export interface Piece extends StepRange {
  readonly chunk: Chunk | undefined;
}

/** What the nodes of a program did when they were recorded, by plain step. */
export type Recordings = readonly (Recording | undefined)[];

/** Makes the chunk of some plain steps. `undefined`: they are executed one by one. @throws what the compiler throws */
export function compilePiece(
  { program, plain, template }: RehearsedProgram,
  { firstStep, endStep }: StepRange,
  recordings: Recordings,
  compiler: ChunkCompiler,
): Chunk | undefined {
  const steps = program.steps.slice(firstStep, endStep);
  const { outputs } = mergeSteps(
    plain.steps.slice(firstStep, endStep),
    steps.flatMap(({ node }) => node.outputs),
  );
  if (outputs.length === 0) return undefined;
  const nodes = steps.map(({ node }, index) => ({ node, recording: recordings[firstStep + index]! }));
  return compiler.compile({ nodes, outputs, constants: template });
}

/** The step of a chunk, with its time spread over its nodes by what they were estimated to take. */
function chunkStep(
  { program, plain }: RehearsedProgram,
  { firstStep, endStep }: StepRange,
  { run }: Chunk,
  costsMs: ArrayLike<number>,
): PreparedStep {
  const steps = plain.steps.slice(firstStep, endStep);
  const made = program.steps.slice(firstStep, endStep).flatMap(({ node }) => node.outputs);
  const totalMs = steps.reduce((sum, _, index) => sum + costsMs[firstStep + index]!, 0);
  const { completes, frees, exports } = mergeSteps(steps, made);
  return {
    node: steps[0]!.node,
    name: steps.length === 1 ? steps[0]!.name : `${steps[0]!.name} … ${steps.at(-1)!.name}`,
    parts: steps.map(({ node }, index) => ({ node, share: costsMs[firstStep + index]! / totalMs })),
    completes,
    run,
    frees,
    exports,
  };
}

/** The steps of a level. */
export function listPieces(
  rehearsed: RehearsedProgram,
  pieces: readonly (readonly Piece[])[],
  costsMs: ArrayLike<number>,
): StepList {
  const steps: PreparedStep[] = [];
  const segments = pieces.map((segment): StepRange => {
    const firstStep = steps.length;
    for (const piece of segment) {
      if (piece.chunk === undefined)
        steps.push(...rehearsed.plain.steps.slice(piece.firstStep, piece.endStep));
      else steps.push(chunkStep(rehearsed, piece, piece.chunk, costsMs));
    }
    return { firstStep, endStep: steps.length };
  });
  return listSteps(steps, segments);
}
