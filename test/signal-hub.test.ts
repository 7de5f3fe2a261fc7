import { describe, expect, it } from 'vitest';
import { SignalHub } from '../runtime/signal-hub.js';
import { abortListeners } from './support/signals.js';

function setUp() {
  const hub = new SignalHub();
  const controller = new AbortController();
  const called: string[] = [];
  const subscribe = (name: string, act = () => {}) =>
    hub.subscribe(controller.signal, () => {
      called.push(name);
      act();
    });
  return { hub, controller, called, subscribe, listeners: () => abortListeners(controller.signal) };
}

describe('subscribers of one signal', () => {
  it('share a listener, which goes with the last of them', () => {
    const { subscribe, listeners } = setUp();
    const ends = [subscribe('a'), subscribe('b')];
    expect(listeners()).toBe(1);
    ends[0]!();
    ends[0]!();
    expect(listeners()).toBe(1);
    ends[1]!();
    expect(listeners()).toBe(0);
    const end = subscribe('c');
    ends[1]!();
    expect(listeners()).toBe(1);
    end();
    expect(listeners()).toBe(0);
  });

  it('are called in their order, but not those that an earlier one has ended', () => {
    const { controller, called, subscribe } = setUp();
    let end: () => void = () => undefined;
    subscribe('first', () => end());
    end = subscribe('second');
    subscribe('third');
    controller.abort();
    expect(called).toEqual(['first', 'third']);
  });

  it('may be the same function twice, each with an end of its own', () => {
    const { hub, controller } = setUp();
    let calls = 0;
    const callback = () => void calls++;
    const end = hub.subscribe(controller.signal, callback);
    hub.subscribe(controller.signal, callback);
    end();
    controller.abort();
    expect(calls).toBe(1);
  });
});
