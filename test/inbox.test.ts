import { describe, expect, it } from 'vitest';
import { Inbox } from '../kernels/stream-worker/inbox.js';
import { nextTurn } from './support/until.js';

/** An inbox whose messages below 0 are handled within the call; the others end when the test says so. */
function setUp() {
  const seen: string[] = [];
  const ends: (() => void)[] = [];
  const inbox = new Inbox<number>((message) => {
    seen.push(`begin ${message}`);
    if (message < 0) return undefined;
    return new Promise<void>((resolve) => {
      ends.push(() => {
        seen.push(`end ${message}`);
        resolve();
      });
    });
  });
  return { inbox, seen, ends };
}

describe('the inbox of a thread', () => {
  it('has a message handled within the call when nothing is in the way', () => {
    const { inbox, seen } = setUp();
    inbox.receive(-1);
    inbox.receive(-2);
    expect(seen).toEqual(['begin -1', 'begin -2']);
  });

  it('lets no message in until the one before has been handled, and keeps their order', async () => {
    const { inbox, seen, ends } = setUp();
    inbox.receive(1);
    for (const message of [-2, 3, -4, 5]) inbox.receive(message);
    expect(seen).toEqual(['begin 1']);
    ends[0]!();
    await nextTurn();
    expect(seen).toEqual(['begin 1', 'end 1', 'begin -2', 'begin 3']);
    inbox.receive(-6);
    await nextTurn();
    expect(seen.length).toBe(4);
    ends[1]!();
    await nextTurn();
    ends[2]!();
    await nextTurn();
    expect(seen.slice(4)).toEqual(['end 3', 'begin -4', 'begin 5', 'end 5', 'begin -6']);
    inbox.receive(-7);
    expect(seen.at(-1)).toBe('begin -7');
  });
});
