/** The programs a stream's worker has been sent, made ready: kernels prepared, constants uploaded. */
import type { Clock } from '../../scheduler/clock.js';
import type { Fallback } from '../../scheduler/device.js';
import { CurfewError, curfewError, type ErrorRecord, invariant, quote } from '../../scheduler/errors.js';
import type { ValueId } from '../../scheduler/graph.js';
import type { KernelBackend, Preparation, ProgramNode, ValueTable } from '../../scheduler/kernel.js';
import type { NodeExports, StreamProgram } from '../../scheduler/program.js';
import { messageOf } from '../../scheduler/quote.js';
import type { PreparedExport, PreparedExports, PreparedStep } from '../../scheduler/segment-execution.js';
import type { ProgramKey } from '../../scheduler/stream.js';
import { byteLength } from '../../scheduler/tensor.js';
import { nameNode } from './blame.js';
import { ChunkLevels } from './chunks/chunk-levels.js';
import { listSteps, type StepList } from './step-list.js';

/** A program ready to run. */
export interface LoadedProgram {
  readonly program: StreamProgram;
  /** A step for each node. */
  readonly plain: StepList;
  /** Chunks of nodes, on a device that compiles them. */
  readonly chunks: ChunkLevels | undefined;
  /** A value table with the constants in place; each run starts from a copy. */
  readonly template: ValueTable;
  /** Frees what the prepared nodes hold. */
  readonly release: () => void;
  /** Values of a run: everything in the table that is not a constant. */
  readonly runValues: readonly ValueId[];
  /** How many segments share a value, by value. */
  readonly sharedCounts: ReadonlyMap<ValueId, number>;
}

/** Everything in the table that a run itself puts there. */
function collectRunValues(program: StreamProgram): ValueId[] {
  const values = new Set<ValueId>();
  for (const { node } of program.steps) for (const value of node.outputs) values.add(value);
  for (const { imports } of program.segments) for (const { value } of imports) values.add(value);
  return [...values];
}

/** One entry per value, though it may go both to other streams and to the main thread. */
function prepareExports({ toExchange, toMain, awaited }: NodeExports): PreparedExports {
  const values = new Map<ValueId, PreparedExport>();
  for (const { value, spec, byteOffset } of toExchange)
    values.set(value, { value, spec, byteOffset, toMain: false });
  for (const { value, spec } of toMain)
    values.set(value, { value, spec, byteOffset: values.get(value)?.byteOffset, toMain: true });
  return { values: [...values.values()], awaited };
}

function releaseAll(prepared: readonly Preparation[]): void {
  for (const each of prepared) each.release?.();
}

/** Prepares programs and keeps them by key. */
export class ProgramStore {
  readonly #backend: KernelBackend;
  readonly #clock: Clock;
  readonly #programs = new Map<ProgramKey, LoadedProgram>();
  readonly #refused = new Map<ProgramKey, ErrorRecord>();

  constructor(backend: KernelBackend, clock: Clock) {
    this.#backend = backend;
    this.#clock = clock;
  }

  /** The programs that are loaded now. */
  get all(): Iterable<readonly [ProgramKey, LoadedProgram]> {
    return this.#programs;
  }

  get(key: ProgramKey): LoadedProgram {
    const loaded = this.#programs.get(key);
    invariant(loaded !== undefined, `program ${key} is loaded before it runs`);
    return loaded;
  }

  /** The program could not be loaded. */
  refuse(key: ProgramKey, error: ErrorRecord): void {
    this.#refused.set(key, error);
  }

  /** Why the program could not be loaded. */
  refusal(key: ProgramKey): ErrorRecord | undefined {
    return this.#refused.get(key);
  }

  /** Prepares every node and uploads the constants; either all of it or, when something throws, nothing. */
  load(key: ProgramKey, program: StreamProgram, constants: SharedArrayBuffer): readonly Fallback[] {
    const prepared = this.#prepareAll(program);
    const fallbacks = prepared.flatMap(({ fallback }, index): Fallback[] => {
      const { node } = program.steps[index]!;
      return fallback === undefined ? [] : [{ node: node.name, op: node.op, device: fallback }];
    });
    const steps = program.steps.map(({ node, completes, frees, exports }, index): PreparedStep => {
      const { run } = prepared[index]!;
      return {
        node: node.id,
        name: node.name,
        completes,
        run,
        frees: frees.length > 0 ? frees : undefined,
        exports: exports && prepareExports(exports),
      };
    });
    const plain = listSteps(steps, program.segments);
    const template = this.#uploadConstants(program, constants, prepared);
    const runValues = collectRunValues(program);
    this.#refused.delete(key);
    this.#programs.set(key, {
      program,
      plain,
      chunks: this.#chunkLevels(program, plain, template, runValues),
      template,
      release: () => releaseAll(prepared),
      runValues,
      sharedCounts: new Map(program.sharedValues.map(({ value, segments }) => [value, segments])),
    });
    return fallbacks;
  }

  #chunkLevels(
    program: StreamProgram,
    plain: StepList,
    template: ValueTable,
    runValues: readonly ValueId[],
  ): ChunkLevels | undefined {
    const backend = this.#backend;
    if (backend.chunks === undefined || program.chunks === undefined) return undefined;
    return new ChunkLevels(
      { program, plain, template, runValues, backend, clock: this.#clock },
      backend.chunks,
    );
  }

  /** All of them or none. */
  #prepareAll({ steps }: StreamProgram): readonly Preparation[] {
    const prepared: Preparation[] = [];
    try {
      for (const { node } of steps) prepared.push(this.#prepare(node));
      return prepared;
    } catch (error) {
      releaseAll(prepared);
      throw error;
    }
  }

  #prepare(node: ProgramNode): Preparation {
    let prepared: Preparation;
    try {
      prepared = this.#backend.prepare(node);
    } catch (error) {
      throw nameNode(error, node.name);
    }
    if (typeof prepared?.run === 'function') return prepared;
    const message = `node "${node.name}": expected prepare to return { run }, received ${quote(prepared)}`;
    throw curfewError('KERNEL_FAILED', message, { node: node.name });
  }

  #uploadConstants(
    program: StreamProgram,
    constants: SharedArrayBuffer,
    prepared: readonly Preparation[],
  ): ValueTable {
    const template: ValueTable = new Array(program.valueCount).fill(undefined);
    try {
      for (const { value, spec, byteOffset } of program.constants) {
        template[value] = this.#backend.upload(spec, new Uint8Array(constants, byteOffset, byteLength(spec)));
      }
    } catch (error) {
      this.#release(template);
      releaseAll(prepared);
      const code = error instanceof CurfewError ? error.code : 'KERNEL_FAILED';
      throw curfewError(code, `constants of the graph: ${messageOf(error)}`, { cause: error });
    }
    return template;
  }

  unload(key: ProgramKey): void {
    this.#refused.delete(key);
    const loaded = this.#programs.get(key);
    if (loaded === undefined) return;
    this.#programs.delete(key);
    loaded.chunks?.release();
    loaded.release();
    this.#release(loaded.template);
  }

  #release(template: ValueTable): void {
    for (const tensor of template) if (tensor !== undefined) this.#backend.release(tensor);
  }
}
