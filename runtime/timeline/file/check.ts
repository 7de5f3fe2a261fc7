/** Checks an exported timeline against the rules of its format: what viewers need to draw it as it was meant. */
import { quote } from '../../../scheduler/errors.js';
import { TimelineChecker } from './checker.js';

/** Says what is wrong with an exported timeline as a whole, before its events are looked at. */
export function frameMistakes(exported: unknown): readonly string[] {
  const { traceEvents, displayTimeUnit, otherData } = (exported ?? {}) as Readonly<Record<string, unknown>>;
  const { producer, device, droppedRecords } = (otherData ?? {}) as Readonly<Record<string, unknown>>;
  const problems: string[] = [];
  if (!Array.isArray(traceEvents))
    problems.push(`traceEvents: expected an array, received ${quote(traceEvents)}`);
  if (displayTimeUnit !== 'ms')
    problems.push(`displayTimeUnit: expected "ms", received ${quote(displayTimeUnit)}`);
  if (producer !== 'curfew')
    problems.push(`otherData.producer: expected "curfew", received ${quote(producer)}`);
  if (typeof device !== 'string')
    problems.push(`otherData.device: expected a name, received ${quote(device)}`);
  if (!Number.isSafeInteger(droppedRecords) || (droppedRecords as number) < 0)
    problems.push(`otherData.droppedRecords: expected a count, received ${quote(droppedRecords)}`);
  return problems;
}

/**
 * Says in words what is wrong with an exported timeline; nothing when it keeps the rules of its format: known phases with
 * the fields they need, times in microseconds and in order, spans that nest on their row in doubles, rows with names, and
 * flows that start once, end once, and touch a span or a moment at either end.
 *
 * @param exported what `timeline.toChromeTrace()` returned, or `JSON.parse` read back
 * @returns at most 20 problems; none for a timeline that Curfew exported
 * @example
 * for (const problem of checkTimeline(JSON.parse(text))) console.error(problem);
 */
export function checkTimeline(exported: unknown): readonly string[] {
  const mistakes = frameMistakes(exported);
  if (mistakes.length > 0) return mistakes;
  const checker = new TimelineChecker();
  for (const event of (exported as { readonly traceEvents: readonly unknown[] }).traceEvents)
    checker.add(event);
  return checker.finish();
}
