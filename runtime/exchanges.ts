/** The exchange buffers of all slots: shared memory through which feeds and crossing values reach the streams. */
import type { SlotIndex } from '../scheduler/stream.js';
import type { Place } from './slots.js';

/** A buffer that grew beyond this for one run is not kept for the next: memory must not creep up. */
const MAX_KEPT_BYTES = 64 * 2 ** 20;

/** Keeps a buffer per slot and grows it as plans need. A used buffer is several times faster than a fresh one. */
export class Exchanges {
  readonly #buffers = new Map<SlotIndex, SharedArrayBuffer>();
  readonly #inUse = new Map<SlotIndex, number>();

  /** Bytes that runs in flight use. */
  get liveBytes(): number {
    let bytes = 0;
    for (const used of this.#inUse.values()) bytes += used;
    return bytes;
  }

  /** A buffer of at least `bytes` for a run in this place, known to its streams. */
  open(place: Place, bytes: number): Uint8Array {
    this.#inUse.set(place.slot, bytes);
    let buffer = this.#buffers.get(place.slot);
    if (buffer === undefined || buffer.byteLength < bytes) {
      buffer = new SharedArrayBuffer(bytes);
      this.#buffers.set(place.slot, buffer);
    }
    if (bytes > 0) for (const stream of place.streams) stream.setExchange(place.slot, buffer);
    return new Uint8Array(buffer);
  }

  close(place: Place): void {
    this.#inUse.delete(place.slot);
    const buffer = this.#buffers.get(place.slot);
    if (buffer === undefined || buffer.byteLength <= MAX_KEPT_BYTES) return;
    this.#buffers.delete(place.slot);
    for (const stream of place.streams) stream.setExchange(place.slot, undefined);
  }
}
