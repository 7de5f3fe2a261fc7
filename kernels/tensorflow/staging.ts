/** Where elements lie on their way into TensorFlow. */
import type { TensorData } from '../../scheduler/tensor.js';

/**
 * Off every alignment that TensorFlow wants for its tensors (16 bytes and more). It takes aligned memory of JavaScript's for a
 * tensor as it is, holds it until the tensor goes, on whatever thread that happens, and then gives the reference back through a
 * function of Node's for the stream's thread only. Memory that is not aligned it copies, within the call.
 */
const OFFSET_BYTES = 4;

/** A larger buffer is not kept. */
const KEPT_BYTES = 2 ** 20;

const CONTAINERS = [Float32Array, Int32Array, Uint8Array] as const;

/** One buffer, used again for each copy. */
export class Staging {
  #buffer = new ArrayBuffer(OFFSET_BYTES + 2 ** 12);

  /** A copy that TensorFlow will copy: valid until the next call. */
  copy<Data extends ArrayBufferView>(values: Data): Data {
    const buffer = this.#room(OFFSET_BYTES + values.byteLength);
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    new Uint8Array(buffer, OFFSET_BYTES, bytes.length).set(bytes);
    const Container = CONTAINERS.find((Type) => values instanceof Type);
    if (Container === undefined) throw new TypeError('expected elements of 32-bit numbers or bytes');
    const elements = values.byteLength / Container.BYTES_PER_ELEMENT;
    return new Container(buffer, OFFSET_BYTES, elements) as TensorData as unknown as Data;
  }

  #room(byteLength: number): ArrayBuffer {
    if (byteLength <= this.#buffer.byteLength) return this.#buffer;
    const buffer = new ArrayBuffer(byteLength);
    if (byteLength <= KEPT_BYTES) this.#buffer = buffer;
    return buffer;
  }
}
