/** Signals that tell how they are used. */
import { getEventListeners } from 'node:events';

/** Listeners for `abort` on a signal now. */
export function abortListeners(signal: AbortSignal): number {
  return getEventListeners(signal, 'abort').length;
}

/** What was done with a signal. */
export interface SignalUse {
  /** Reads of `aborted`. */
  reads: number;
  added: number;
  removed: number;
}

/** A controller whose signal counts what is done with it. */
export function countingController(): { readonly controller: AbortController; readonly use: SignalUse } {
  const controller = new AbortController();
  const use: SignalUse = { reads: 0, added: 0, removed: 0 };
  const { signal } = controller;
  const { prototype } = AbortSignal;
  const count = (key: 'added' | 'removed', method: 'addEventListener' | 'removeEventListener') => {
    const original = prototype[method];
    Object.defineProperty(signal, method, {
      value: (...args: Parameters<typeof original>) => {
        use[key]++;
        original.apply(signal, args);
      },
    });
  };
  count('added', 'addEventListener');
  count('removed', 'removeEventListener');
  Object.defineProperty(signal, 'aborted', {
    get: () => {
      use.reads++;
      return Reflect.get(prototype, 'aborted', signal) as boolean;
    },
  });
  return { controller, use };
}
