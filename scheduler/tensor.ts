/** Tensors as plain data: dtypes, shapes, specs, and the checks on what callers hand in. */
import { firstOtherThanBool } from './bool-bytes.js';
import { curfewError, type ErrorCode, quote } from './errors.js';
import { MAX_RANK, MAX_TENSOR_BYTES, MAX_TENSOR_ELEMENTS } from './limits.js';
import { allocatePrivate } from './private-memory.js';
import { peek } from './quote.js';
import { asPlainArray } from './typed-array.js';

/** Element types a value can have. `bool` holds 0 or 1 in a byte. */
export type DType = 'float32' | 'int32' | 'bool';

/** Lengths per dimension, outermost first; `[]` is a scalar. */
export type Shape = readonly number[];

/** What is known of a value before it exists. */
export interface TensorSpec {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** Specs of a graph's inputs or outputs by name. */
export type TensorSpecs = Readonly<Record<string, TensorSpec>>;

interface Containers {
  readonly float32: Float32Array;
  readonly int32: Int32Array;
  readonly bool: Uint8Array;
}

/** The container of a dtype: float32 → `Float32Array`, int32 → `Int32Array`, bool → `Uint8Array`. */
export type TensorData<Type extends DType = DType> = Containers[Type];

/** A tensor at the API: row-major data with its dtype and shape. */
export interface Tensor extends TensorSpec {
  readonly data: TensorData;
}

const CONTAINERS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;
const BYTES_PER_ELEMENT = { float32: 4, int32: 4, bool: 1 } as const;

/** Whether `value` is one of the dtypes. */
export function isDType(value: unknown): value is DType {
  return typeof value === 'string' && Object.hasOwn(CONTAINERS, value);
}

/** Elements of a shape; 1 for a scalar. */
export function elementCount(shape: Shape): number {
  let count = 1;
  for (const length of shape) count *= length;
  return count;
}

/** Bytes of a tensor of this spec. */
export function byteLength(spec: TensorSpec): number {
  return elementCount(spec.shape) * BYTES_PER_ELEMENT[spec.dtype];
}

/** Whether two shapes are the same, dimension by dimension. */
export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((length, index) => length === b[index]);
}

/** A spec as messages show it: `float32[1,224,224,3]`. */
export function formatSpec(spec: TensorSpec): string {
  return `${spec.dtype}[${spec.shape.join(',')}]`;
}

/** A zero-filled container for this many elements of a dtype. */
export function allocateData(dtype: DType, length: number): TensorData {
  return new CONTAINERS[dtype](length);
}

/** A typed view of `buffer` for a spec, starting at `byteOffset`. */
export function viewData(spec: TensorSpec, buffer: ArrayBufferLike, byteOffset = 0): TensorData {
  return new CONTAINERS[spec.dtype](buffer as ArrayBuffer, byteOffset, elementCount(spec.shape));
}

/**
 * A copy in memory of its own.
 *
 * @param what how a message names it
 * @param node the node that it belongs to, if there is one
 * @throws OUT_OF_MEMORY
 */
export function copyData(dtype: DType, data: TensorData, what: string, node?: string): TensorData {
  const copy = new CONTAINERS[dtype](allocatePrivate(data.byteLength, what, node));
  copy.set(data);
  return copy;
}

/** The bytes of a typed array, without copying. */
export function bytesOf(data: TensorData): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Models write an unknown length as `null` or -1. */
function unknownLengthAdvice(length: unknown): string {
  if (length !== null && length !== -1) return '';
  return '; shapes are fixed here: give the length it will have, such as 1 for a batch of one';
}

/**
 * Checks a shape that came from outside and returns a frozen copy.
 *
 * @param what how messages name it, for example `feed "x"`
 * @throws `code` when it is no array of non-negative safe integers; LIMIT_EXCEEDED beyond rank 6 or 2^31 − 1 elements
 */
export function checkShape(shape: unknown, what: string, code: ErrorCode): Shape {
  if (!Array.isArray(shape)) {
    throw curfewError(code, `${what}: expected a shape (array of integers), received ${quote(shape)}`, {
      expected: 'array of integers',
      received: shape,
    });
  }
  if (shape.length > MAX_RANK) {
    throw curfewError(
      'LIMIT_EXCEEDED',
      `${what}: expected rank ${MAX_RANK} at most, received rank ${shape.length}`,
      {
        expected: MAX_RANK,
        received: shape.length,
      },
    );
  }
  for (let index = 0; index < shape.length; index++) {
    const length: unknown = shape[index];
    if (!Number.isSafeInteger(length) || (length as number) < 0) {
      const expected = 'integer of 0 or more';
      const message = `${what}: expected dimension ${index} to be an ${expected}, received ${quote(length)}`;
      throw curfewError(code, message + unknownLengthAdvice(length), { expected, received: length });
    }
  }
  if (elementCount(shape) > MAX_TENSOR_ELEMENTS) {
    throw curfewError(
      'LIMIT_EXCEEDED',
      `${what}: expected ${MAX_TENSOR_ELEMENTS} elements at most, received shape ${quote(shape)}`,
      { expected: MAX_TENSOR_ELEMENTS, received: shape },
    );
  }
  return Object.freeze([...shape]);
}

/**
 * Checks a spec that came from outside and returns a frozen copy.
 *
 * @throws `code` when dtype or shape is malformed; LIMIT_EXCEEDED when it is too large
 */
export function checkSpec(spec: unknown, what: string, code: ErrorCode): TensorSpec {
  if (typeof spec !== 'object' || spec === null) {
    throw curfewError(code, `${what}: expected { dtype, shape }, received ${quote(spec)}`, {
      expected: '{ dtype, shape }',
      received: spec,
    });
  }
  const { dtype, shape } = spec as { dtype?: unknown; shape?: unknown };
  if (!isDType(dtype)) {
    throw curfewError(
      code,
      `${what}: expected dtype 'float32', 'int32' or 'bool', received ${quote(dtype)}`,
      {
        expected: Object.keys(CONTAINERS),
        received: dtype,
      },
    );
  }
  const checked = Object.freeze({ dtype, shape: checkShape(shape, what, code) });
  if (byteLength(checked) > MAX_TENSOR_BYTES) {
    throw curfewError(
      'LIMIT_EXCEEDED',
      `${what}: expected ${MAX_TENSOR_BYTES} bytes at most, received ${formatSpec(checked)}`,
      {
        expected: MAX_TENSOR_BYTES,
        received: byteLength(checked),
      },
    );
  }
  return checked;
}

/**
 * Checks that `data` is the container of the spec's dtype with exactly its number of elements, which are 0 or 1 for a
 * bool. Arrays of another realm and of subclasses (`Buffer`) count as what they extend.
 *
 * @returns `data` itself, or a plain view of the same memory: no method of a subclass is ever called
 * @throws `code`, quoting both
 */
export function checkData(data: unknown, spec: TensorSpec, what: string, code: ErrorCode): TensorData {
  const Container = CONTAINERS[spec.dtype];
  const plain = asPlainArray<TensorData>(data, Container);
  if (plain === undefined) {
    throw curfewError(
      code,
      `${what}: expected ${Container.name} for dtype ${spec.dtype}, received ${quote(data)}`,
      {
        expected: Container.name,
        received: data,
      },
    );
  }
  const expected = elementCount(spec.shape);
  if (plain.length !== expected) {
    throw curfewError(
      code,
      `${what}: expected ${expected} elements for ${formatSpec(spec)}, received ${plain.length}`,
      { expected, received: plain.length },
    );
  }
  if (spec.dtype === 'bool') checkBools(plain as Uint8Array, what, code);
  return plain;
}

function checkBools(data: Uint8Array, what: string, code: ErrorCode): void {
  const place = firstOtherThanBool(data);
  if (place < 0) return;
  const received = data[place]!;
  throw curfewError(
    code,
    `${what}: expected 0 or 1 for dtype bool, received ${received} at element ${place}`,
    { expected: [0, 1], received },
  );
}

/**
 * Refuses a TensorFlow.js tensor where plain data belongs. Reading one may block the main thread for as long as a GPU
 * takes, so the caller decides when to.
 *
 * @throws `code`, with what to pass instead
 */
export function refuseTfTensor(value: unknown, what: string, code: ErrorCode): void {
  if (typeof peek(value, 'dataSync') !== 'function') return;
  const disposed = peek(value, 'isDisposed') === true;
  const received = disposed ? 'a tf.Tensor that is disposed' : 'a tf.Tensor';
  const advice = disposed ? '' : '; pass { dtype, shape, data: await tensor.data() }';
  throw curfewError(code, `${what}: expected { dtype, shape, data }, received ${received}${advice}`, {
    expected: '{ dtype, shape, data }',
    received: value,
  });
}
