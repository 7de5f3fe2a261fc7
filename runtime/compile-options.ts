/** Options of `engine.compile`, and the checks on what callers hand in. */
import { type CancellationOption, resolveMode } from '../scheduler/cancellation.js';
import type { Placement } from '../scheduler/placement.js';
import type { ChunkPlan } from '../scheduler/program.js';
import { checkKeys, invalidOption } from './option-checks.js';

/** Options of `engine.compile`. */
export interface CompileOptions {
  /** Name in reports, events and timelines. Default `'graph'`. */
  readonly name?: string | undefined;
  /**
   * `'single'` (default): each run stays on one stream, runs spread over streams. `'automatic'`: nodes spread over the
   * engine's streams where costs and transfers make that worth it. A function gives each kernel node its lane, from 0 to
   * below the engine's streams: nodes of one lane share a stream, and each run takes as many streams as there are lanes,
   * whichever are free.
   */
  readonly placement?: Placement | undefined;
  /**
   * Whether a device that can (`'tensorflow'`) executes several nodes as one call, as many as the cancellation mode allows.
   * Default true. False: each node by itself.
   */
  readonly chunks?: boolean | undefined;
  /**
   * Cancellation modes that runs will use, of which the chunks are made now. Chunks for other modes are made between runs
   * once a run has used the mode, a node or a chunk at a time; until then such runs execute in smaller chunks, or node by node. Each
   * further mode takes time and holds the constants once more, so there are chunks for six precisions at most. Modes whose
   * chunks do not fit into memory do without. Default `['none']`.
   */
  readonly modes?: readonly CancellationOption[] | undefined;
}

/** Options of `engine.compile`, checked. */
export interface CheckedCompileOptions {
  readonly name: string;
  readonly placement: Placement;
  readonly chunks: ChunkPlan | undefined;
}

/** @throws INVALID_OPTION; UNSUPPORTED_OPTION for a mode that is not available */
export function checkCompileOptions(options: unknown): CheckedCompileOptions {
  checkKeys(options, 'options of compile', ['name', 'placement', 'chunks', 'modes']);
  const { name = 'graph', placement = 'single', chunks = true, modes = ['none'] } = options;
  if (typeof name !== 'string' || name === '') throw invalidOption('name', 'a non-empty string', name);
  if (placement !== 'single' && placement !== 'automatic' && typeof placement !== 'function') {
    throw invalidOption('placement', "'single', 'automatic' or a function", placement);
  }
  if (typeof chunks !== 'boolean') throw invalidOption('chunks', 'a boolean', chunks);
  if (!Array.isArray(modes)) throw invalidOption('modes', 'an array of cancellation modes', modes);
  // Array.from: map() leaves holes out.
  const ahead = Array.from(modes, (mode: unknown) => {
    if (mode === undefined) throw invalidOption('modes', "'none', 'node' or { precisionMs }", mode);
    return resolveMode(mode, true, 'modes');
  });
  return { name, placement: placement as Placement, chunks: chunks ? { ahead } : undefined };
}
