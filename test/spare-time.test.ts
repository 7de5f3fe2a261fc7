import { describe, expect, it } from 'vitest';
import { SpareTime } from '../kernels/stream-worker/spare-time.js';
import { ManualClock } from './support/manual-clock.js';
import { nextTurn } from './support/until.js';

/** Work of so many pieces, each of which takes a millisecond. */
function start(pieces: number) {
  const clock = new ManualClock();
  const state = { left: pieces };
  const spareTime: SpareTime = new SpareTime({
    clock,
    hasWork: () => state.left > 0,
    doPiece: () => {
      state.left--;
      clock.skip(1);
      spareTime.onIdle();
      return true;
    },
  });
  return { clock, state, spareTime };
}

describe('spare time', () => {
  it('is used a piece per turn of the event loop, until nothing is left', async () => {
    const { state, spareTime } = start(3);
    spareTime.onIdle();
    expect(state.left).toBe(3);
    for (const left of [2, 1, 0, 0]) {
      await nextTurn();
      expect(state.left).toBe(left);
    }
  });

  it('is taken between messages where there are no other turns', () => {
    const { clock, state, spareTime } = start(20);
    for (let message = 0; message < 4; message++) {
      clock.skip(60);
      spareTime.onIdle();
    }
    // Nothing for the first 100 ms, then 5 ms, then nothing again for 100 ms.
    expect(state.left).toBe(15);
  });

  it('is not asked for when there is nothing to do', async () => {
    const { state, spareTime } = start(0);
    spareTime.onIdle();
    await nextTurn();
    expect(state.left).toBe(0);
  });
});
