/**
 * Typed arrays by what they are, not by whose constructor made them: another realm (`node:vm`, Jest) has constructors of
 * its own, and a subclass such as `Buffer` means something else by `slice`.
 */

const TYPED_ARRAY: object = Object.getPrototypeOf(Uint8Array.prototype);

type PlainArray = Float32Array | Int32Array | Uint8Array;

interface PlainArrayClass<Result extends PlainArray> {
  readonly prototype: Result;
  readonly name: string;
  new (length: number): Result;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): Result;
}

/** Reads past whatever a subclass puts before the getters of typed arrays, which look at internal slots. */
function intrinsic(array: ArrayBufferView, property: 'buffer' | 'byteOffset' | 'length'): unknown {
  return Reflect.get(TYPED_ARRAY, property, array);
}

/** The name of a typed array's class, such as `'Float32Array'`, in any realm and any subclass; `undefined` for all else. */
export function typedArrayName(value: unknown): string | undefined {
  if (!ArrayBuffer.isView(value)) return undefined;
  return Reflect.get(TYPED_ARRAY, Symbol.toStringTag, value) as string | undefined;
}

/** The same elements as an array of exactly `PlainClass`, without copying; `undefined` for an array of another class. */
export function asPlainArray<Result extends PlainArray>(
  value: unknown,
  PlainClass: PlainArrayClass<Result>,
): Result | undefined {
  if (typedArrayName(value) !== PlainClass.name) return undefined;
  const array = value as Result;
  // Also where its prototype is the plain one: properties of its own may stand before the getters.
  const length = intrinsic(array, 'length') as number;
  // A buffer that was transferred away takes no view, not even an empty one.
  if (length === 0) return new PlainClass(0);
  const buffer = intrinsic(array, 'buffer') as ArrayBufferLike;
  return new PlainClass(buffer, intrinsic(array, 'byteOffset') as number, length);
}
