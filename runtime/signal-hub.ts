/**
 * Listens to callers' abort signals. One listener per signal serves all runs that were given it: Node warns of a leak
 * when a signal has more than ten.
 */

import { type AbortSource, listenTo, stopListeningTo } from './abort-source.js';

interface Subscribers {
  readonly callbacks: Set<() => void>;
  readonly listener: () => void;
}

export class SignalHub {
  readonly #signals = new WeakMap<AbortSource, Subscribers>();

  /** Calls back, once, when the signal aborts. Returns what ends that. @throws INVALID_OPTION */
  subscribe(signal: AbortSource, callback: () => void): () => void {
    const subscribers = this.#signals.get(signal) ?? this.#listen(signal);
    // A function of its own, so that one callback may subscribe twice.
    const own = () => callback();
    subscribers.callbacks.add(own);
    return () => {
      if (subscribers.callbacks.delete(own) && subscribers.callbacks.size === 0) this.#unlisten(signal);
    };
  }

  #listen(signal: AbortSource): Subscribers {
    const callbacks = new Set<() => void>();
    const listener = () => {
      for (const callback of [...callbacks]) if (callbacks.has(callback)) callback();
    };
    const subscribers = { callbacks, listener };
    listenTo(signal, listener);
    this.#signals.set(signal, subscribers);
    return subscribers;
  }

  #unlisten(signal: AbortSource): void {
    const subscribers = this.#signals.get(signal);
    if (subscribers === undefined) return;
    this.#signals.delete(signal);
    stopListeningTo(signal, subscribers.listener);
  }
}
