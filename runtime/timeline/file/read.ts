/** Reads exported timelines from files. */
import { createReadStream } from 'node:fs';
import { getHeapStatistics } from 'node:v8';
import { CurfewError, curfewError } from '../../../scheduler/errors.js';
import { checkFields, numberRule, optional, type Rules } from '../../option-checks.js';
import { TimelineReader } from './reader.js';
import type { TimelineFile } from './timeline-file.js';

/** What is kept of a file takes up to nine bytes of heap for each of its own, and two files may be compared. */
const HEAP_PER_BYTE = 16;

/** How to read a file. */
export interface ReadOptions {
  /** Size of the largest file that is read, in bytes. Default: a sixteenth of the heap that Node.js may use. */
  readonly maxBytes?: number | undefined;
}

const OPTIONS: Rules<ReadOptions> = {
  maxBytes: optional(numberRule('a number of bytes above 0', (bytes) => bytes > 0)),
};

function refuse(file: string, why: string, cause?: unknown): CurfewError {
  return curfewError('INVALID_TIMELINE', `${file}: ${why}`, { cause });
}

/** Text that is no JSON, a file that cannot be read, and bytes that are no UTF-8 are the file's fault. */
function blame(file: string, error: unknown): unknown {
  if (error instanceof CurfewError || !(error instanceof Error)) return error;
  if (error instanceof SyntaxError) return refuse(file, `expected JSON: ${error.message}`, error);
  return 'code' in error ? refuse(file, `expected a readable file: ${error.message}`, error) : error;
}

/**
 * Reads a timeline that was exported with `JSON.stringify(timeline.toChromeTrace())` and checks it; see `checkTimeline`.
 *
 * @throws INVALID_TIMELINE for a file that cannot be read, is too large, or breaks the rules of the format; INVALID_OPTION
 * @example
 * const file = await readTimelineFile('timeline.json');
 * console.log(file.summary().text);
 */
export async function readTimelineFile(file: string, options: ReadOptions = {}): Promise<TimelineFile> {
  checkFields(options, 'options', OPTIONS);
  const { maxBytes = Math.floor(getHeapStatistics().heap_size_limit / HEAP_PER_BYTE) } = options;
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const reader = new TimelineReader(file);
  let bytes = 0;
  try {
    for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw refuse(file, `expected at most ${maxBytes} bytes, received more`);
      reader.push(decoder.decode(chunk, { stream: true }));
    }
    reader.push(decoder.decode());
    return reader.end();
  } catch (error) {
    throw blame(file, error);
  }
}
