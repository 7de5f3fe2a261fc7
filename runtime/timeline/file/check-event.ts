/** The rules for a single event of an exported timeline, which may be any JSON value. */
import { quote } from '../../../scheduler/errors.js';
import type { TraceEvent } from '../trace-event.js';

/** About 30 years in microseconds. A later time is in another unit. */
const MAX_US = 1e15;
const METADATA = new Set(['process_name', 'process_sort_index', 'thread_name', 'thread_sort_index']);

type Fields = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isTime = (value: unknown): boolean => typeof value === 'number' && value >= 0 && value <= MAX_US;
const isId = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0;

/** Says what is wrong with the fields that a phase demands besides those of all events. */
const PHASES: Readonly<Record<TraceEvent['ph'], (event: Fields) => string | undefined>> = {
  X: ({ dur }) =>
    isTime(dur) ? undefined : `expected a duration "dur" in microseconds, received ${quote(dur)}`,
  i: ({ s }) =>
    s === 't' || s === 'p' ? undefined : `expected a reach "s" of "t" or "p", received ${quote(s)}`,
  C: ({ args }) =>
    isObject(args) && Object.values(args).length > 0 && Object.values(args).every(Number.isFinite)
      ? undefined
      : 'expected numbers as "args" of a counter',
  s: ({ id }) => (isId(id) ? undefined : `expected an "id" of the flow, received ${quote(id)}`),
  f: ({ id, bp }) => {
    if (!isId(id)) return `expected an "id" of the flow, received ${quote(id)}`;
    return bp === 'e' ? undefined : `expected "bp" to be "e", received ${quote(bp)}`;
  },
  M: ({ name, args }) =>
    METADATA.has(name as string) && isObject(args)
      ? undefined
      : `expected metadata ${[...METADATA].join(', ')} with "args"`,
};

/** Says what is wrong with an event; `undefined` when nothing is. */
export function mistakeOf(event: unknown): string | undefined {
  if (!isObject(event)) return `expected an object, received ${quote(event)}`;
  const { ph, name, pid, tid, ts, cat, args } = event;
  if (typeof ph !== 'string' || !Object.hasOwn(PHASES, ph))
    return `expected a phase "ph" of ${Object.keys(PHASES).join(', ')}, received ${quote(ph)}`;
  if (typeof name !== 'string') return `expected a "name", received ${quote(name)}`;
  if (!isId(pid) || !isId(tid))
    return `expected whole numbers "pid" and "tid", received ${quote(pid)}, ${quote(tid)}`;
  if (!isTime(ts)) return `expected a time "ts" of 0 to ${MAX_US} microseconds, received ${quote(ts)}`;
  if (cat !== undefined && typeof cat !== 'string')
    return `expected a category "cat" in words, received ${quote(cat)}`;
  if (args !== undefined && !isObject(args)) return `expected an object "args", received ${quote(args)}`;
  return PHASES[ph as TraceEvent['ph']](event);
}
