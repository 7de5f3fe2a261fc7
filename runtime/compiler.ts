/** Compiles graphs for the streams of an engine, and frees what they hold there when nobody runs them any more. */
import { isGraph } from '../scheduler/check.js';
import type { DeviceStream, Fallback } from '../scheduler/device.js';
import { curfewError, quote } from '../scheduler/errors.js';
import type { Plan } from '../scheduler/plan.js';
import { planGraph } from '../scheduler/plan-graph.js';
import type { ProgramKey } from '../scheduler/stream.js';
import { checkCompileOptions } from './compile-options.js';
import { loadPrograms, unloadPrograms } from './programs.js';

/** A graph that is on no stream yet. */
interface Planned {
  readonly name: string;
  readonly plan: Plan;
}

/** A compiled graph as the engine keeps it. */
export class Compiled {
  readonly name: string;
  readonly plan: Plan;
  /** Of lane 0; the other lanes have the keys that follow. */
  readonly key: ProgramKey;
  readonly fallbacks: readonly Fallback[];
  readonly #unload: () => void;
  #activeRuns = 0;
  #disposed = false;

  constructor(
    what: Planned & { readonly key: ProgramKey },
    fallbacks: readonly Fallback[],
    unload: () => void,
  ) {
    this.name = what.name;
    this.plan = what.plan;
    this.key = what.key;
    this.fallbacks = fallbacks;
    this.#unload = unload;
  }

  /** A run of it was called: its programs stay. Returns what to call when the run has settled. */
  enter(): () => void {
    this.#activeRuns++;
    return () => {
      this.#activeRuns--;
      this.#unloadIfUnused();
    };
  }

  /** Frees its constants once no run is left. */
  dispose(): void {
    this.#disposed = true;
    this.#unloadIfUnused();
  }

  #unloadIfUnused(): void {
    if (this.#disposed && this.#activeRuns === 0) this.#unload();
  }
}

export class Compiler {
  readonly #streams: readonly DeviceStream[];
  #nextKey: ProgramKey = 0;

  constructor(streams: readonly DeviceStream[]) {
    this.#streams = streams;
  }

  /**
   * Plans a graph. Calls the caller's placement function, and getters of the options.
   *
   * @throws see `Engine.compile`
   */
  plan(graph: unknown, options: unknown): Planned {
    if (!isGraph(graph)) throw notAGraph(graph);
    const { name, placement, chunks } = checkCompileOptions(options);
    return { name, plan: planGraph(graph, { streams: this.#streams.length, placement, chunks }) };
  }

  /** @throws see `Engine.compile` */
  async load({ name, plan }: Planned): Promise<Compiled> {
    const key = this.#nextKey;
    this.#nextKey += plan.lanes;
    const fallbacks = await loadPrograms(plan, key, this.#streams);
    return new Compiled({ name, plan, key }, fallbacks, () => unloadPrograms(plan, key, this.#streams));
  }
}

function notAGraph(received: unknown): Error {
  return curfewError(
    'INVALID_GRAPH',
    `compile: expected a graph made by trace() or GraphBuilder, received ${quote(received)}`,
    { expected: 'graph', received },
  );
}
