/** Options of `engine.compile`, and the checks on what callers hand in. */
import { curfewError, quote } from '../scheduler/errors.js';
import type { Placement } from '../scheduler/placement.js';

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
}

/** @throws INVALID_OPTION */
export function checkCompileOptions(options: unknown): { name: string; placement: Placement } {
  const invalid = (what: string, expected: string, received: unknown) =>
    curfewError('INVALID_OPTION', `${what}: expected ${expected}, received ${quote(received)}`, {
      expected,
      received,
    });
  if (typeof options !== 'object' || options === null)
    throw invalid('options of compile', 'an object', options);
  const { name = 'graph', placement = 'single', ...rest } = options as Record<string, unknown>;
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined) throw invalid('options of compile', 'only the options name, placement', unknown);
  if (typeof name !== 'string' || name === '') throw invalid('name', 'a non-empty string', name);
  if (placement !== 'single' && placement !== 'automatic' && typeof placement !== 'function') {
    throw invalid('placement', "'single', 'automatic' or a function", placement);
  }
  return { name, placement: placement as Placement };
}
