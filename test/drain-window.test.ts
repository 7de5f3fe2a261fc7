import { describe, expect, it } from 'vitest';
import { NodeCosts } from '../scheduler/cancellation.js';
import { DrainWindow } from '../scheduler/drain-window.js';

function costsOf(...ms: readonly number[]): NodeCosts {
  const costs = new NodeCosts(ms.length);
  costs.ms.set(ms);
  return costs;
}

function equalCosts(nodes: number, ms: number): NodeCosts {
  return costsOf(...new Array<number>(nodes).fill(ms));
}

/** Submits as the node loop does, until the window wants to wait. Returns the step it wants to wait for. */
function fill(window: DrainWindow, costs: NodeCosts, nowMs: number): number | undefined {
  for (let step = window.last + 1; step < costs.ms.length; step++) {
    const room = window.makeRoom(costs.ms[step]!);
    if (room.kind === 'fence') return room.step;
    expect(room.kind).toBe('none');
    window.submitted(step, nowMs);
  }
  return undefined;
}

describe('a window that can only be drained', () => {
  it('has room for any node while nothing is in flight', () => {
    const window = new DrainWindow(costsOf(100), 1, 0);
    expect(window.makeRoom(100)).toEqual({ kind: 'none' });
    expect(window.makeRoom(Number.POSITIVE_INFINITY)).toEqual({ kind: 'none' });
  });

  it('is filled up to half of the precision, and waits for the last step', () => {
    const costs = equalCosts(100, 0.0625);
    const window = new DrainWindow(costs, 1, 0);
    expect(fill(window, costs, 0)).toBe(7);
    expect([window.head, window.last, window.isEmpty]).toEqual([0, 7, false]);
  });

  it('is empty after a drain, and filled again', () => {
    const costs = equalCosts(100, 0.0625);
    const window = new DrainWindow(costs, 1, 40);
    expect(fill(window, costs, 0)).toBe(47);
    window.finished(47, 0.5, true);
    expect([window.head, window.isEmpty]).toEqual([48, true]);
    expect(fill(window, costs, 0.51)).toBe(55);
  });

  it('gives no credit for time that has passed: nothing shows how far the device is', () => {
    const costs = equalCosts(100, 0.25);
    const window = new DrainWindow(costs, 1, 0);
    window.submitted(0, 0);
    window.submitted(1, 0);
    expect(window.makeRoom(0.25)).toEqual({ kind: 'fence', step: 1 });
  });

  it('submits a node never measured alone, before and after', () => {
    const costs = costsOf(0.01, Number.POSITIVE_INFINITY, 0.01);
    const window = new DrainWindow(costs, 1, 0);
    window.submitted(0, 0);
    expect(window.makeRoom(Number.POSITIVE_INFINITY)).toEqual({ kind: 'fence', step: 0 });
    window.finished(0, 0.01, true);
    window.submitted(1, 1);
    expect(window.makeRoom(0.01)).toEqual({ kind: 'fence', step: 1 });
    window.finished(1, 3, true);
    expect(costs.ms[1]).toBe(2);
  });
});

describe('what a drain tells', () => {
  it('is the exact time of all that was in flight, when it had to wait', () => {
    const costs = equalCosts(4, 0.1);
    const window = new DrainWindow(costs, 1, 0);
    for (let step = 0; step < 4; step++) window.submitted(step, 5);
    window.finished(3, 5.6, true);
    for (const ms of costs.ms) expect(ms).toBeCloseTo(0.15, 9);
  });

  it('is a bound, when it did not have to wait: it lowers estimates and never raises them', () => {
    const costs = equalCosts(2, 0.1);
    const window = new DrainWindow(costs, 1, 0);
    window.submitted(0, 0);
    window.submitted(1, 0);
    window.finished(1, 9, false);
    expect([...costs.ms]).toEqual([0.1, 0.1]);
    const slow = equalCosts(2, 0.4);
    const other = new DrainWindow(slow, 1, 0);
    other.submitted(0, 0);
    other.finished(0, 0.2, false);
    expect(slow.ms[0]).toBeCloseTo((0.4 + 0.2) / 2, 9);
  });
});
