/**
 * Who has a submitted segment: the stream's thread, once it begins it, or the main thread again, once it has taken it
 * back. One int32 word per slot, shared by both: the ticket of the last segment that either has. Tickets count a slot's
 * segments on the stream and wrap around.
 *
 * Without this a run that is stopped while its segment waits behind another run's would be late by all of that one, and
 * nobody could tell which runs a thread that died had begun.
 */
import { allocateShared } from '../../scheduler/shared-memory.js';
import type { SlotIndex } from '../../scheduler/stream.js';

/** Makes the words of a stream. @throws OUT_OF_MEMORY */
export function createClaims(slots: number): Int32Array<SharedArrayBuffer> {
  return new Int32Array(allocateShared(slots * Int32Array.BYTES_PER_ELEMENT, 'claims'));
}

/** The ticket after another. */
export function nextTicket(ticket: number): number {
  return (ticket + 1) | 0;
}

/** The thread begins a segment. False when it was taken back: nothing of it is to be done or told. */
export function beginSegment(claims: Int32Array, slot: SlotIndex, ticket: number): boolean {
  const previous = (ticket - 1) | 0;
  return Atomics.compareExchange(claims, slot, previous, ticket) === previous;
}

/** The main thread takes back all segments up to the last one submitted. Returns how many had not been begun. */
export function takeBackSegments(claims: Int32Array, slot: SlotIndex, lastTicket: number): number {
  return (lastTicket - Atomics.exchange(claims, slot, lastTicket)) | 0;
}
