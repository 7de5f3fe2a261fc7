/** Weights made from a seed, fast: TensorFlow.js's own initialisers take seconds for a network of some millions. */

/** A stream of numbers from -1 to 1, the same for the same seed (mulberry32). */
export function seededUniform(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

/** `length` values spread evenly over `centre` ± `reach`. */
export function spread(next: () => number, length: number, centre: number, reach: number): Float32Array {
  const values = new Float32Array(length);
  for (let index = 0; index < length; index++) values[index] = centre + reach * next();
  return values;
}

/** Half the width of an even spread whose variance keeps activations at unit variance (He; LeCun after linear layers). */
export function fanInReach(fanIn: number, inputIsRectified: boolean): number {
  return Math.sqrt((inputIsRectified ? 6 : 3) / fanIn);
}
