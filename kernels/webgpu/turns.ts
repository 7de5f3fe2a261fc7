/**
 * Lets Dawn work while the thread waits. Dawn answers in turns that it queues with `globalThis.setImmediate`, which it looks up each time, from
 * within calls of its own. So what it queues there while one of its calls runs is its next turn, and whoever calls that
 * need not wait for the event loop.
 */
import { invariant } from '../../scheduler/errors.js';

type Turn = () => void;

/** More turns than Dawn ever has queued. */
const MAX_TURNS = 100_000;

export class DawnTurns {
  #queued: Turn[] = [];
  readonly #capture = (turn: Turn): void => {
    this.#queued.push(turn);
  };

  /** Makes a call of Dawn's after which it has something to answer. */
  within<Result>(call: () => Result): Result {
    const { setImmediate } = globalThis;
    Reflect.set(globalThis, 'setImmediate', this.#capture);
    try {
      return call();
    } finally {
      Reflect.set(globalThis, 'setImmediate', setImmediate);
    }
  }

  /** Gives Dawn a turn. Returns whether it had one queued. */
  turn(): boolean {
    const queued = this.#queued;
    if (queued.length === 0) return false;
    this.#queued = [];
    this.within(() => {
      for (const turn of queued) turn();
    });
    return true;
  }

  /** Gives Dawn turns until it wants no more. Nothing must be pending that the device has to end first. */
  drain(): void {
    let turns = 0;
    while (this.turn()) invariant(turns++ < MAX_TURNS, 'Dawn comes to an end');
  }
}
