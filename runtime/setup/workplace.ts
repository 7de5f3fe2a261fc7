/** What every part of a set-up works with. */
import type { Clock } from '../../scheduler/clock.js';
import type { Report } from './progress.js';
import type { Tools } from './tools.js';

export interface Workplace {
  readonly clock: Clock;
  /** Aborted when the user interrupts the set-up. */
  readonly signal: AbortSignal;
  readonly environment: NodeJS.ProcessEnv;
  readonly report: Report;
  /** Instead of the program that loads the addon. For tests, whose addons are none. */
  readonly loadProgram?: string | undefined;
  /** Makes an empty folder on the cache's disk, which is removed when the set-up ends. */
  makeFolder(): Promise<string>;
}

/** The same with the programs that make things. */
export interface Workshop extends Workplace, Tools {}
