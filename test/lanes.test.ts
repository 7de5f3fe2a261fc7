import { describe, expect, it } from 'vitest';
import { assignLanes, lanesOf } from '../runtime/lanes.js';

/** Every choice of `count` of the streams `from` to `streams` − 1. */
function choices(streams: number, count: number, from = 0): number[][] {
  if (count === 0) return [[]];
  const all: number[][] = [];
  for (let first = from; first <= streams - count; first++)
    for (const rest of choices(streams, count - 1, first + 1)) all.push([first, ...rest]);
  return all;
}

describe('lanes of a plan', () => {
  it('go to streams that have their programs, whichever streams a run gets; no stream has one it never needs', () => {
    for (let streams = 1; streams <= 8; streams++) {
      for (let lanes = 1; lanes <= streams; lanes++) {
        const used = Array.from({ length: streams }, () => new Set<number>());
        for (const chosen of choices(streams, lanes)) {
          const inAnyOrder = chosen.map((index) => ({ index })).reverse();
          for (const [lane, { index }] of assignLanes(inAnyOrder).entries()) used[index]!.add(lane);
        }
        const sent = used.map((_, stream) => lanesOf(stream, streams, lanes));
        expect(sent).toEqual(used.map((of) => [...of].sort((a, b) => a - b)));
        expect(sent.flat()).toHaveLength(lanes * (streams - lanes + 1));
      }
    }
  });
});
