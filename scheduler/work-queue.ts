/**
 * The contract of a queueing device's queue: work is submitted, and marks are points in it. A mark is a value of a
 * timeline semaphore, as IREE's `hal/semaphore.h` describes it: a monotone payload that can be asked for and waited for.
 */

/**
 * A point in a stream's submitted work: everything submitted up to it. Marks of one stream are finite numbers that grow with
 * the work: a submit that hands nothing over may return the mark before it again. A mark is reached when all work up to it is
 * over, so reaching one reaches all before it.
 */
export type Mark = number & { readonly __mark: unique symbol };

/**
 * What waiting for a mark does to the work behind it. `'each'`: it stays in flight (WebGPU, CUDA events). `'all'`:
 * everything submitted before the wait ends first (TensorFlow's addon, whose only fence is reading a tensor).
 */
export type Fences = 'each' | 'all';

/** The queue of one stream. All calls come from the stream's worker. */
export interface WorkQueue {
  readonly fences: Fences;
  /**
   * Submits the work that calls before it have prepared, and returns the mark behind it. May wait for room, and may
   * return a promise (a native one): a device may need a turn of the event loop now and then.
   *
   * @param mayDefer nobody waits for this work by itself: a device on which a submission costs time of its own may hand it
   *   over together with what follows, at the latest when it is waited for, or with the next submit that may not defer. The mark covers it all the same; several submits may have one. Default false.
   */
  submit(mayDefer?: boolean): Mark | Promise<Mark>;
  /**
   * Whether the mark is known to be reached, and no failure of work up to it is still to be thrown: nobody waits for a
   * mark that is reached, and what its work has made is read at once. Never waits; a device that learns it by waiting only
   * says so afterwards.
   */
  reached(mark: Mark): boolean;
  /**
   * Waits until the mark is reached; with fences `'all'`, until everything submitted is over. Returns whether that took
   * waiting: false means that the work was over before the call, when is unknown.
   *
   * @throws the first failure of the work it has waited for (rejects with it) that no earlier wait has thrown. Later
   *   failures of this work go with it: they follow from it, or belong to the same run, and must not be told to the next
   *   one. Memory that the failed work uses stays valid: it is released later, in stream order.
   */
  wait(mark: Mark): boolean | Promise<boolean>;
}
