import { describe, expect, it } from 'vitest';
import { deadlineError } from '../runtime/run-error.js';
import type { RunReport } from '../scheduler/outcome.js';

const REPORT: RunReport = {
  run: 1,
  outcome: 'deadline-exceeded',
  executable: 'classify',
  mode: 'node',
  timeoutMs: 80,
  latenessMs: 1.23456,
  deviceLatenessMs: undefined,
  queuedMs: 0,
  durationMs: 81,
  nodesCompleted: 3,
  nodesTotal: 9,
  stoppedBefore: undefined,
  device: 'wasm',
  fallbacks: [],
  stream: 0,
};
const messageAt = (timeoutMs: number) =>
  deadlineError({ ...REPORT, timeoutMs }, undefined, undefined).message;

describe('the message of a missed deadline', () => {
  it.each([
    [80, '80 ms'],
    [104.5195885002613, '104.52 ms'],
    [0, '0 ms'],
    [2 ** 31 - 1, '2147483647 ms'],
  ])('tells a timeout of %s as %s', (timeoutMs, shown) => {
    expect(messageAt(timeoutMs)).toContain(`its deadline of ${shown}: 3 of 9 nodes executed, 1.23 ms late`);
  });
});
