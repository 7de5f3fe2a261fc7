/** The thread's side of parking: leaves whatever it does, once it is asked, and never comes back. */
import type { KernelBackend } from '../../scheduler/kernel.js';
import {
  beginToNeedParking,
  blockInPark,
  isAskedToPark,
  type ParkWord,
  sayEnded,
  sayParked,
  stopNeedingParking,
} from './parking.js';

/** How long a device that is not idle yet is left alone before it is asked again. */
const BUSY_TURN_MS = 5;

export class WorkerParking {
  readonly #word: ParkWord;
  readonly #tell: (idle: boolean) => void;
  #backend: KernelBackend | undefined;
  #isNeeded = false;
  #isParking = false;

  /** @param tell tells the main thread that the thread is parked, and whether its device is idle */
  constructor(word: ParkWord, tell: (idle: boolean) => void) {
    this.#word = word;
    this.#tell = tell;
  }

  /** From now on the thread must park before it is ended. Does not return if that is under way already. */
  begin(): void {
    while (!beginToNeedParking(this.#word)) blockInPark(this.#word);
    this.#isNeeded = true;
    process.on('exit', () => sayEnded(this.#word));
  }

  get isNeeded(): boolean {
    return this.#isNeeded;
  }

  /** The backend that is asked to park. Until there is one, its device has nothing pending wherever it calls `leaveIfAsked`. */
  host(backend: KernelBackend): void {
    this.#backend = backend;
  }

  /** Does not return once the thread is to end; but where the backend calls it while it parks. */
  readonly leaveIfAsked = (): void => {
    if (isAskedToPark(this.#word) && !this.#isParking) this.#park();
  };

  /** See `BackendOptions`. */
  readonly whileFree = <Result>(work: () => Result): Result => {
    while (!stopNeedingParking(this.#word)) this.leaveIfAsked();
    try {
      return work();
    } finally {
      while (!beginToNeedParking(this.#word)) blockInPark(this.#word);
    }
  };

  #park(): never {
    this.#isParking = true;
    while (!this.#isIdle()) {
      this.#say(false);
      blockInPark(this.#word, BUSY_TURN_MS);
    }
    this.#say(true);
    for (;;) blockInPark(this.#word);
  }

  #isIdle(): boolean {
    try {
      return this.#backend === undefined || this.#backend.park?.() === true;
    } catch {
      // Nobody knows what is pending.
      return false;
    }
  }

  /** What is posted reaches the main thread though this one blocks. */
  #say(idle: boolean): void {
    if (sayParked(this.#word, idle)) this.#tell(idle);
  }
}
