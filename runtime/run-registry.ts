/** The accepted runs of an engine that have not settled, and those who wait until there are none. */
import type { ExecutableRun } from './executable-run.js';

export class RunRegistry {
  readonly #runs = new Set<ExecutableRun>();
  #waiting: (() => void)[] = [];

  get isIdle(): boolean {
    return this.#runs.size === 0;
  }

  /** The runs now; the list does not change when they settle. */
  get all(): readonly ExecutableRun[] {
    return [...this.#runs];
  }

  add(run: ExecutableRun): void {
    this.#runs.add(run);
  }

  delete(run: ExecutableRun): void {
    this.#runs.delete(run);
    if (this.isIdle) for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** Resolves when no run is left. */
  onIdle(): Promise<void> {
    if (this.isIdle) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
