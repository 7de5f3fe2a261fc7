/** Runs many cases on one backend after the other, and counts what became of them. */
import type { BackendOptions, ImmediateBackend } from '../../scheduler/kernel.js';
import { backendOptions } from '../support/one-node.js';
import { type FuzzCase, fuzzCase } from './fuzz-case.js';
import { judge, TOLERANCE, type Verdict } from './judge.js';

/** Cases on one backend: kernels keep operators for each set of attributes, so a heap only grows. */
const CASES_PER_BACKEND = 5000;

/** Counts by what became of the cases; excluded ones by their reason. */
export type Tally = Map<string, number>;

/** Makes the backend whose calls return when the work is done. */
export type Create = (options: BackendOptions) => ImmediateBackend | Promise<ImmediateBackend>;

/** A backend for many cases. After a fault there is a new one, for the old one may be damaged. */
export class FuzzRun {
  readonly tally: Tally = new Map();
  readonly #create: Create;
  readonly #tolerance: number;
  #backend: ImmediateBackend | undefined;
  #left = 0;

  /** @param tolerance relative, of float32 */
  constructor(create: Create, tolerance = TOLERANCE) {
    this.#create = create;
    this.#tolerance = tolerance;
  }

  /**
   * Runs the case of a seed.
   *
   * @throws what breaks a promise, saying which case it was
   */
  async run(seed: number): Promise<void> {
    if (this.#left === 0) await this.#renew();
    this.#left--;
    try {
      this.#count(this.#judge(fuzzCase(seed)));
    } catch (error) {
      this.#left = 0;
      throw error;
    }
  }

  close(): void {
    this.#backend?.close();
  }

  async #renew(): Promise<void> {
    this.close();
    this.#backend = await this.#create(backendOptions());
    this.#left = CASES_PER_BACKEND;
  }

  #judge(given: FuzzCase): Verdict {
    return judge(given, this.#backend!, this.#tolerance);
  }

  #count(verdict: Verdict): void {
    const kind = verdict.kind === 'excluded' ? `excluded: ${verdict.reason}` : verdict.kind;
    this.tally.set(kind, (this.tally.get(kind) ?? 0) + 1);
  }
}
