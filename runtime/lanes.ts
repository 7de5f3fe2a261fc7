/** Which streams may execute which lanes of a plan: any of them, in order. */

/**
 * The lanes that a stream may execute. A run's lanes go to its streams in the order of their indices, so of a plan's
 * `lanes` on `streams` streams the last streams never take the first lanes, nor the first the last: their constants need not
 * be everywhere. With as many lanes as streams each stream has one lane, with one lane every stream has it.
 */
export function lanesOf(stream: number, streams: number, lanes: number): readonly number[] {
  const first = Math.max(0, stream - (streams - lanes));
  const last = Math.min(stream, lanes - 1);
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

/** The stream of each lane: the streams in the order of their indices, whatever order they were chosen in. */
export function assignLanes<Stream extends { readonly index: number }>(
  chosen: readonly Stream[],
): readonly Stream[] {
  return chosen.length === 1 ? chosen : chosen.toSorted((a, b) => a.index - b.index);
}
