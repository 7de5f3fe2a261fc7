import { describe, expect, it, vi } from 'vitest';
import {
  createControlBlock,
  NEVER_NS,
  SharedControls,
  sleepIndex,
  stopWord,
  wakeIndex,
} from '../kernels/stream-worker/control-block.js';
import { pauseInPieces, waiterOn } from '../kernels/stream-worker/driver.js';
import { type ControlWord, RUN_STATE, stopReasonOf } from '../scheduler/cancellation.js';
import type { KernelBackend } from '../scheduler/kernel.js';
import { until } from './support/until.js';

const SLOTS = 2;
/** Missing from the types of ES2023; Node has it. */
const waitAsync = Reflect.get(Atomics, 'waitAsync') as (
  words: Int32Array,
  index: number,
  word: number,
) => { readonly value: Promise<string> };

function setUp() {
  const block = createControlBlock(SLOTS);
  return { block, controls: new SharedControls(block) };
}

const wordOf = ({ words, index }: ControlWord) => Atomics.load(words, index);
const reasonOf = (control: ControlWord) => stopReasonOf(wordOf(control));

describe('a control word', () => {
  it('is that of one run: who saw it before the next run began stops neither', () => {
    const { block, controls } = setUp();
    const seen = wordOf(controls.begin(0));
    controls.end(0);
    const next = controls.begin(0);
    expect(stopWord(block, 0, seen, RUN_STATE.deadline)).toBe(false);
    expect(reasonOf(next)).toBeUndefined();
  });

  it('keeps the first reason to stop, and that of its own slot only', () => {
    const { controls } = setUp();
    const run = controls.begin(0);
    const other = controls.begin(1);
    expect([controls.stop(0, RUN_STATE.aborted), controls.stop(0, RUN_STATE.deadline)]).toEqual([
      true,
      false,
    ]);
    expect([reasonOf(run), reasonOf(other)]).toEqual(['aborted', undefined]);
  });

  it('wakes a thread that pauses on it when the run is stopped', async () => {
    const { block, controls } = setUp();
    const run = controls.begin(0);
    let woken: string | undefined;
    void waitAsync(block.words, 0, wordOf(run)).value.then((how) => {
      woken = how;
    });
    controls.stop(0, RUN_STATE.aborted);
    await until(() => woken !== undefined, 'the pause is over');
    expect(woken).toBe('ok');
  });

  it('begins no pause once the run has been stopped', () => {
    const { controls } = setUp();
    const run = controls.begin(0);
    controls.stop(0, RUN_STATE.aborted);
    const wait = vi.spyOn(Atomics, 'wait').mockReturnValue('ok');
    waiterOn({ queue: {} } as KernelBackend)({ kind: 'pause', ms: 1e9, control: run });
    expect(wait).not.toHaveBeenCalled();
    const next = controls.begin(0);
    waiterOn({ queue: {} } as KernelBackend)({ kind: 'pause', ms: 1e9, control: next });
    expect(wait).toHaveBeenCalledWith(next.words, 0, wordOf(next), 1e9);
    wait.mockRestore();
  });

  it('pauses in pieces for a thread that may be asked to leave, until its run is stopped', () => {
    const { controls } = setUp();
    const run = controls.begin(0);
    const wait = vi.spyOn(Atomics, 'wait').mockReturnValue('timed-out');
    const leave = vi.fn();
    pauseInPieces(leave)(run, 120);
    expect(wait.mock.calls.map(([, , , ms]) => ms)).toEqual([50, 50, 20]);
    expect(leave).toHaveBeenCalledTimes(3);
    leave.mockImplementationOnce(() => controls.stop(0, RUN_STATE.aborted));
    pauseInPieces(leave)(run, 1e9);
    expect([wait.mock.calls.length, leave.mock.calls.length]).toEqual([4, 4]);
    wait.mockRestore();
  });
});

describe('deadlines', () => {
  it('wake the watchdog when they come before it would wake by itself, or while it is awake', () => {
    const { block, controls } = setUp();
    const wakes = () => Atomics.load(block.words, wakeIndex(block));
    controls.setDeadline(0, 50);
    expect(wakes()).toBe(1);
    Atomics.store(block.deadlinesNs, sleepIndex(block), 50_000_000n);
    controls.setDeadline(1, 51);
    expect(wakes()).toBe(1);
    controls.setDeadline(1, 49);
    expect(wakes()).toBe(2);
  });

  it('are those of one slot each, in nanoseconds, and gone when its run ends', () => {
    const { block, controls } = setUp();
    controls.begin(0);
    controls.setDeadline(0, 1.5);
    controls.setDeadline(1, 2);
    controls.end(0);
    expect([...block.deadlinesNs.slice(0, SLOTS)]).toEqual([NEVER_NS, 2_000_000n]);
  });
});
