/**
 * The only file that touches time, timers and randomness. Everything else receives a `Clock`, so that tests and
 * the virtual device can put time under control.
 */

/** Stops a timer; calling it twice, or after the timer fired, does nothing. */
export type CancelTimer = () => void;

/** Time and timers, in milliseconds on one monotonic axis that all threads of the process share. */
export interface Clock {
  /** Milliseconds on a monotonic axis with an arbitrary origin; differences are durations. */
  nowMs(): number;
  /**
   * Calls `callback` once, not before `delayMs` have passed. Does not keep the process alive by itself unless
   * `keepsAlive` is true.
   */
  setTimer(delayMs: number, callback: () => void, keepsAlive?: boolean): CancelTimer;
  /**
   * Clocks that advance by themselves only: time stands still, while real work goes on, until the returned function is
   * called.
   */
  hold?(): () => void;
}

/** The global of this name is an accessor: reading the clock through it takes half as long again. */
const { performance } = globalThis;

/** Nanoseconds on the axis of the real clock, exactly: for a thread that does nothing but wait for deadlines. */
export function sharedNowNs(): bigint {
  return process.hrtime.bigint();
}

/**
 * `performance.now()` counts from each thread's own start; `process.hrtime` counts from one origin for the whole
 * process. Both read the same monotonic source, so one constant turns the cheap one into the shared one.
 */
function sharedOriginOffsetMs(): number {
  let offset = Number.POSITIVE_INFINITY;
  for (let attempt = 0; attempt < 5; attempt++) {
    const local = performance.now();
    const shared = Number(sharedNowNs()) / 1e6;
    offset = Math.min(offset, shared - local);
  }
  return offset;
}

/** The real clock. The same axis in every thread of the process. */
export function createSystemClock(): Clock {
  const offsetMs = sharedOriginOffsetMs();
  return {
    nowMs: () => performance.now() + offsetMs,
    setTimer(delayMs, callback, keepsAlive = false) {
      const dueMs = performance.now() + delayMs;
      let timer: NodeJS.Timeout;
      const arm = (leftMs: number) => {
        timer = setTimeout(fire, Math.max(0, leftMs));
        if (!keepsAlive) timer.unref();
      };
      // Node counts whole milliseconds, so its timers may fire up to one too early.
      const fire = () => {
        const leftMs = dueMs - performance.now();
        if (leftMs > 0) arm(leftMs);
        else callback();
      };
      arm(delayMs);
      return () => clearTimeout(timer);
    },
  };
}

/** Lets timers, signals and I/O have their turn: what any loop on the main thread does on a budget. */
export function yieldToEventLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
