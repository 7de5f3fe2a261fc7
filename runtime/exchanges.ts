/** The exchange buffers of all slots: shared memory through which feeds and crossing values reach the streams. */
import type { DeviceStream } from '../scheduler/device.js';
import { allocateShared } from '../scheduler/shared-memory.js';
import type { SlotIndex } from '../scheduler/stream.js';
import type { Place } from './slots.js';

/** A buffer larger than this is not kept for the next run: memory must not creep up. */
const MAX_KEPT_BYTES = 64 * 2 ** 20;

/** All buffers kept for later runs together; beyond it the ones unused for longest go. */
const MAX_ALL_KEPT_BYTES = 256 * 2 ** 20;

interface SlotBuffer {
  readonly buffer: SharedArrayBuffer;
  /** Streams that know the buffer, and would keep it alive. */
  readonly knownTo: Set<DeviceStream>;
  /** Bytes that the run in the slot uses; `undefined` when there is none. */
  usedBytes: number | undefined;
}

/** Keeps a buffer per slot and grows it as plans need. A used buffer is several times faster than a fresh one. */
export class Exchanges {
  /** By slot; of those without a run, first the ones whose last run left longest ago. */
  readonly #slots = new Map<SlotIndex, SlotBuffer>();

  /** Bytes that runs in flight use, and bytes of all buffers. */
  get bytes(): { readonly used: number; readonly held: number } {
    let used = 0;
    let held = 0;
    for (const { usedBytes = 0, buffer } of this.#slots.values()) {
      used += usedBytes;
      held += buffer.byteLength;
    }
    return { used, held };
  }

  /**
   * A buffer of at least `bytes` for a run in this place, known to its streams.
   *
   * @throws OUT_OF_MEMORY
   */
  open(place: Place, bytes: number): Uint8Array {
    const kept = this.#slots.get(place.slot);
    if (kept !== undefined && kept.buffer.byteLength < bytes) this.#drop(place.slot);
    const slot = this.#slots.get(place.slot) ?? this.#create(bytes);
    this.#slots.set(place.slot, slot);
    slot.usedBytes = bytes;
    if (bytes > 0) {
      for (const stream of place.streams) {
        stream.setExchange(place.slot, slot.buffer);
        slot.knownTo.add(stream);
      }
    }
    return new Uint8Array(slot.buffer);
  }

  #create(bytes: number): SlotBuffer {
    return { buffer: allocateShared(bytes, 'exchange buffer'), knownTo: new Set(), usedBytes: undefined };
  }

  /** The run has left the slot. */
  close(slot: SlotIndex): void {
    const closed = this.#slots.get(slot);
    if (closed === undefined) return;
    closed.usedBytes = undefined;
    this.#slots.delete(slot);
    this.#slots.set(slot, closed);
    if (closed.buffer.byteLength > MAX_KEPT_BYTES) this.#drop(slot);
    this.#trim();
  }

  #trim(): void {
    let keptBytes = 0;
    for (const { usedBytes, buffer } of this.#slots.values())
      if (usedBytes === undefined) keptBytes += buffer.byteLength;
    for (const [slot, { usedBytes, buffer }] of this.#slots) {
      if (keptBytes <= MAX_ALL_KEPT_BYTES) return;
      if (usedBytes !== undefined) continue;
      keptBytes -= buffer.byteLength;
      this.#drop(slot);
    }
  }

  #drop(slot: SlotIndex): void {
    for (const stream of this.#slots.get(slot)!.knownTo) stream.setExchange(slot, undefined);
    this.#slots.delete(slot);
  }
}
