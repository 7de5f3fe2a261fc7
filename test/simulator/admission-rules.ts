/** The rules of admission, checked from outside: no run waits behind one that cannot start, and none starves. */
import { type Claim, MAX_OVERTAKEN, type Room } from '../../runtime/waiting-runs.js';

/** A run as the rules know it. */
export interface RuledRun extends Claim {
  readonly name: string;
  /** Whether it may be on its way out of the queue: told to stop, and not settled yet. Default: it is not. */
  readonly leaving?: boolean;
}

interface Waiting {
  readonly run: RuledRun;
  /** Runs behind it that went first while enough streams were in service for it. */
  overtaken: number;
  /** With those of which it cannot be told from outside whether they went, or left. */
  overtakenAtMost: number;
}

export class AdmissionRules {
  readonly #violate: (message: string) => void;
  readonly #maxOvertaken: number;
  /** The most often that a run was overtaken. */
  mostOvertaken = 0;
  /** By priority, then in order of the calls. */
  readonly #waiting: Waiting[] = [];

  constructor(violate: (message: string) => void, maxOvertaken = MAX_OVERTAKEN) {
    this.#violate = violate;
    this.#maxOvertaken = maxOvertaken;
  }

  get waiting(): readonly RuledRun[] {
    return this.#waiting.map(({ run }) => run);
  }

  queued(run: RuledRun): void {
    const behind = this.#waiting.findIndex((other) => other.run.priority < run.priority);
    const index = behind < 0 ? this.#waiting.length : behind;
    this.#waiting.splice(index, 0, { run, overtaken: 0, overtakenAtMost: 0 });
  }

  /** A run goes. `room` is what was free before it took its streams, or at least what it took itself. */
  started(run: RuledRun, room: Room): void {
    const ahead = this.#leave(run);
    if (run.lanes > room.free) this.#violate(`${run.name} starts on ${room.free} streams`);
    for (const other of ahead) {
      const { name, lanes, leaving } = other.run;
      if (lanes > room.serving || leaving) continue;
      if (lanes <= room.free) this.#violate(`${run.name} starts before ${name}, which could have`);
      other.overtakenAtMost++;
      this.mostOvertaken = Math.max(this.mostOvertaken, ++other.overtaken);
      if (other.overtaken > this.#maxOvertaken)
        this.#violate(`${name} is overtaken for the ${other.overtaken}th time, by ${run.name}`);
    }
  }

  /** A run leaves without having been seen to start. `atItsTurn`: perhaps when it was about to. */
  left(run: RuledRun, atItsTurn = false): void {
    const ahead = this.#leave(run);
    if (atItsTurn) for (const other of ahead) other.overtakenAtMost++;
  }

  /** Whatever could start has started. */
  atRest(room: Room): void {
    for (const [index, { run }] of this.#waiting.entries()) {
      if (run.leaving) continue;
      if (run.lanes > room.lasting) this.#violate(`${run.name} waits for streams that are gone`);
      else if (run.lanes <= room.free && !this.#isHeld(index, room))
        this.#violate(`${run.name} waits, and ${room.free} streams are free`);
    }
  }

  /** What admission has to do with a run that comes now, when all is at rest. */
  wouldStart({ priority, lanes }: Claim, room: Room): boolean {
    const behind = this.#waiting.findIndex((other) => other.run.priority < priority);
    if (lanes > room.lasting) return true;
    return lanes <= room.free && !this.#isHeld(behind < 0 ? this.#waiting.length : behind, room);
  }

  #isHeld(index: number, { serving }: Room): boolean {
    return this.#waiting
      .slice(0, index)
      .some(({ run, overtakenAtMost }) => overtakenAtMost >= this.#maxOvertaken && run.lanes <= serving);
  }

  /** Those in front of it. */
  #leave(run: RuledRun): readonly Waiting[] {
    const index = this.#waiting.findIndex((other) => other.run === run);
    if (index < 0) {
      this.#violate(`${run.name} waits before it goes or leaves`);
      return [];
    }
    this.#waiting.splice(index, 1);
    return this.#waiting.slice(0, index);
  }
}
