/** Executes a program outside any run, on made-up data of the right shapes: to note what its nodes do, and to time them. */
import type { Clock } from '../../../scheduler/clock.js';
import { type DeviceWork, submitWork, waitForMark } from '../../../scheduler/device-wait.js';
import { CurfewError } from '../../../scheduler/errors.js';
import type { ValueId } from '../../../scheduler/graph.js';
import type { KernelBackend, ValueTable } from '../../../scheduler/kernel.js';
import type { StreamProgram } from '../../../scheduler/program.js';
import { releaseValue } from '../../../scheduler/segment-execution.js';
import { byteLength, type TensorSpec } from '../../../scheduler/tensor.js';
import type { StepList } from '../step-list.js';

/** Work in pieces: between two of them the stream can do something else. */
export type PiecewiseWork<Result> = Generator<DeviceWork<void>, Result, void>;

/** A program that can be rehearsed. */
export interface RehearsedProgram {
  readonly program: StreamProgram;
  /** A step for each node. */
  readonly plain: StepList;
  /** A value table with the constants in place. */
  readonly template: ValueTable;
  /** Everything that a run puts into its table. */
  readonly runValues: readonly ValueId[];
  readonly backend: KernelBackend;
  readonly clock: Clock;
}

/** Numbers between 0 and 1, which few kernels are slow on or fail for. Whole numbers are 0: valid as any index. */
function madeUpBytes(spec: TensorSpec): Uint8Array {
  const bytes = new Uint8Array(byteLength(spec));
  if (spec.dtype !== 'float32') return bytes;
  const elements = new Float32Array(bytes.buffer);
  let state = 1;
  for (let index = 0; index < elements.length; index++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    elements[index] = (state + 1) / 2 ** 32;
  }
  return bytes;
}

/** Whether memory does not suffice. */
export function isOutOfMemory(error: unknown): boolean {
  return error instanceof CurfewError && error.code === 'OUT_OF_MEMORY';
}

/** Waits until the step is over, on a device that queues. */
function* finish(backend: KernelBackend): DeviceWork<void> {
  if (backend.queue !== undefined) yield* waitForMark(yield* submitWork());
}

/** Executes one node; if it fails on made-up data, puts what it would have made into the table. */
export function executeNode(
  { program, plain, backend }: RehearsedProgram,
  step: number,
  values: ValueTable,
  run: (values: ValueTable) => void = plain.steps[step]!.run,
): void {
  const { outputs, outputSpecs } = program.steps[step]!.node;
  try {
    run(values);
  } catch (error) {
    if (isOutOfMemory(error)) throw error;
    for (const [index, value] of outputs.entries()) {
      const spec = outputSpecs[index]!;
      values[value] = backend.upload(spec, madeUpBytes(spec));
    }
  }
}

/** How a list is rehearsed. */
export interface Rehearsal {
  readonly list: StepList;
  /** Executes a step. */
  execute(step: number, values: ValueTable): void;
  /** A step is over, which took so long. */
  took(step: number, ms: number): void;
}

/**
 * Executes all steps of a list as a run does: in order, each value released after its last use. A step is a piece.
 *
 * @throws what `execute` and the backend throw
 */
export function* rehearse(rehearsed: RehearsedProgram, rehearsal: Rehearsal): PiecewiseWork<void> {
  const { program, template, runValues, backend } = rehearsed;
  const { list } = rehearsal;
  const values = template.slice();
  try {
    for (const [index, { imports }] of program.segments.entries()) {
      for (const { value, spec } of imports) values[value] ??= backend.upload(spec, madeUpBytes(spec));
      const { firstStep, endStep } = list.segments[index]!;
      for (let step = firstStep; step < endStep; step++)
        yield rehearseStep(rehearsed, rehearsal, step, values);
    }
  } finally {
    for (const value of runValues) releaseValue(values, backend, value);
  }
}

function* rehearseStep(
  { backend, clock }: RehearsedProgram,
  { list, execute, took }: Rehearsal,
  step: number,
  values: ValueTable,
): DeviceWork<void> {
  const startMs = clock.nowMs();
  execute(step, values);
  yield* finish(backend);
  took(step, clock.nowMs() - startMs);
  for (const value of list.steps[step]!.frees ?? []) releaseValue(values, backend, value);
}
