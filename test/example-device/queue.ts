/** The queue of the example: executes one piece of work per turn of the event loop, once it is submitted. */
import type { Fences, Mark, WorkQueue } from '../../runtime/device.js';

/** A kernel, or a copy to the device. */
export interface Work {
  /** What throws here is a failure of the device, told by the next wait that covers it. */
  execute(): void;
  /** Told when it executed, once it is over. */
  readonly onTime: ((startMs: number, endMs: number) => void) | undefined;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

export class Queue implements WorkQueue {
  readonly fences: Fences;
  /** Not submitted yet. */
  #prepared: Work[] = [];
  /** Submitted and not executed. */
  #pending: Work[] = [];
  /** The mark behind all that was submitted: how many pieces of work that was. */
  #submitted = 0;
  /** The mark up to which a wait has found the work to be over. */
  #passed = 0;
  #failures: { readonly mark: number; readonly error: unknown }[] = [];
  #pumping = false;

  constructor(fences: Fences) {
    this.fences = fences;
  }

  /** Milliseconds on the clock that all threads of the process share. */
  nowMs(): number {
    return Number(process.hrtime.bigint()) / 1e6;
  }

  prepare(work: Work): void {
    this.#prepared.push(work);
  }

  submit(): Mark {
    this.#submitted += this.#prepared.length;
    this.#pending.push(...this.#prepared.splice(0));
    this.#pump();
    return this.#submitted as Mark;
  }

  /** A mark with a failure still to be thrown is not reached: the engine would not wait for it, and never know. */
  reached(mark: Mark): boolean {
    return mark <= (this.fences === 'each' ? this.#done : this.#passed) && !this.#hasFailed(mark);
  }

  async wait(mark: Mark): Promise<boolean> {
    const end = this.fences === 'each' ? mark : this.#submitted;
    const waited = this.#done < end;
    while (this.#done < end) await turn();
    this.#passed = Math.max(this.#passed, end);
    if (this.#hasFailed(end)) throw this.#takeFailure(end);
    return waited;
  }

  /** What is pending never executes. */
  close(): void {
    this.#prepared = [];
    this.#pending = [];
  }

  get #done(): number {
    return this.#submitted - this.#pending.length;
  }

  #hasFailed(mark: number): boolean {
    return this.#failures.some((failure) => failure.mark <= mark);
  }

  /** The first failure up to the mark. Later ones follow from it, and go with it. */
  #takeFailure(mark: number): unknown {
    const [first] = this.#failures;
    this.#failures = this.#failures.filter((failure) => failure.mark > mark);
    return first!.error;
  }

  #pump(): void {
    if (this.#pumping || this.#pending.length === 0) return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      this.#executeNext();
      this.#pump();
    });
  }

  #executeNext(): void {
    const work = this.#pending[0];
    if (work === undefined) return;
    const startMs = this.nowMs();
    try {
      work.execute();
    } catch (error) {
      this.#failures.push({ mark: this.#done + 1, error });
    }
    work.onTime?.(startMs, this.nowMs());
    this.#pending.shift();
  }
}
