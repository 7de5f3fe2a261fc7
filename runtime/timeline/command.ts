/** The command `curfew timeline`: summary of a file, differences between two, check of a file. */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { CurfewError, curfewError } from '../../scheduler/errors.js';
import { parseTrace } from './check-trace.js';
import { compareTraces } from './compare.js';
import { summarise } from './summary.js';
import { showName } from './text.js';
import type { ChromeTrace } from './trace-event.js';
import { viewTrace } from './trace-view.js';

/** How to call it. */
export const USAGE = `curfew timeline FILE            what took how long
curfew timeline A B             differences between two timelines, node by node
curfew timeline --check FILE... whether files keep the rules of the format

FILE is what \`JSON.stringify(timeline.toChromeTrace())\` gave. Ends with 0, with 1 when a file is refused, and with 2
when the call is wrong.`;

/** How a command ended: what goes to stdout and stderr, and the exit code. */
export interface CommandResult {
  readonly output: string;
  readonly error: string;
  readonly exitCode: 0 | 1 | 2;
}

async function readTrace(file: string): Promise<ChromeTrace> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw curfewError('INVALID_TIMELINE', `${file}: expected a readable file: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return parseTrace(text, file);
}

/** Every line as a terminal may show it: messages quote what files contain. */
const showLines = (message: string): string =>
  message
    .split('\n')
    .map((line) => showLine(line))
    .join('\n');
const showLine = (line: string): string => line.replace(/[\p{Cc}\p{Cf}]/gu, '\uFFFD');

async function checkFiles(files: readonly string[]): Promise<CommandResult> {
  const [output, errors]: [string[], string[]] = [[], []];
  for (const file of files) {
    try {
      const { traceEvents } = await readTrace(file);
      output.push(`${file}: a timeline of ${traceEvents.length} events that keeps the rules`);
    } catch (error) {
      if (!(error instanceof CurfewError)) throw error;
      errors.push(error.message);
    }
  }
  return {
    output: output.join('\n'),
    error: showLines(errors.join('\n')),
    exitCode: errors.length > 0 ? 1 : 0,
  };
}

async function showFiles(files: readonly string[]): Promise<CommandResult> {
  const views = [];
  for (const file of files) views.push(viewTrace(await readTrace(file)));
  const [a, b] = views;
  const text = b === undefined ? summarise(a!).text : compareTraces(a!, b).text;
  const heading = b === undefined ? '' : `A: ${showName(files[0]!)}\nB: ${showName(files[1]!)}\n`;
  return { output: heading + text, error: '', exitCode: 0 };
}

/** Runs the command with the arguments after `timeline`. Never throws for what a file contains. */
export async function timelineCommand(args: readonly string[]): Promise<CommandResult> {
  const wrongCall = (why: string): CommandResult => ({
    output: '',
    error: `${why}\n\n${USAGE}`,
    exitCode: 2,
  });
  let parsed: { values: { check?: boolean; help?: boolean }; positionals: string[] };
  try {
    const options = { check: { type: 'boolean' }, help: { type: 'boolean' } } as const;
    parsed = parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    return wrongCall((error as Error).message);
  }
  const { values, positionals } = parsed;
  if (values.help) return { output: USAGE, error: '', exitCode: 0 };
  if (positionals.length === 0) return wrongCall('expected a file, received none');
  if (values.check) return checkFiles(positionals);
  if (positionals.length > 2) return wrongCall(`expected one or two files, received ${positionals.length}`);
  try {
    return await showFiles(positionals);
  } catch (error) {
    if (!(error instanceof CurfewError)) throw error;
    return { output: '', error: showLines(error.message), exitCode: 1 };
  }
}
