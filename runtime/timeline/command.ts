/** The command `curfew timeline`: summary of a file, differences between two, check of files. */
import { parseArgs } from 'node:util';
import { CurfewError } from '../../scheduler/errors.js';
import { compareTimelines } from './compare.js';
import { readTimelineFile } from './file/read.js';
import { showName } from './text.js';

/** How to call it. */
export const USAGE = `curfew timeline FILE            what took how long
curfew timeline A B             differences between two timelines, node by node
curfew timeline --check FILE... whether files keep the rules of the format
curfew timeline --help          this text

FILE is what \`JSON.stringify(timeline.toChromeTrace())\` gave. Ends with 0, with 1 when a file is refused, and with 2
when the call is wrong.`;

/** How a command ended: what goes to stdout and stderr, and the exit code. */
export interface CommandResult {
  readonly output: string;
  readonly error: string;
  readonly exitCode: 0 | 1 | 2;
}

/** Makes lines safe for a terminal. Messages quote what files contain, and names of files may be anything. */
const showLines = (lines: string): string => lines.replace(/(?!\n)[\p{Cc}\p{Cf}]/gu, '\uFFFD');

/** Says why a file was refused. Rethrows what no file can cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof CurfewError)) throw error;
  return showLines(`${error.code}: ${error.message}`);
}

async function checkFiles(files: readonly string[]): Promise<CommandResult> {
  const [output, errors]: [string[], string[]] = [[], []];
  for (const file of files) {
    try {
      const { events } = await readTimelineFile(file);
      output.push(showLines(`${file}: a timeline of ${events} events that keeps the rules`));
    } catch (error) {
      errors.push(reasonOf(error));
    }
  }
  return { output: output.join('\n'), error: errors.join('\n'), exitCode: errors.length > 0 ? 1 : 0 };
}

async function showFiles([a, b]: readonly string[]): Promise<CommandResult> {
  try {
    const first = await readTimelineFile(a!);
    if (b === undefined) return { output: first.summary().text, error: '', exitCode: 0 };
    const { text } = compareTimelines(first, await readTimelineFile(b));
    return { output: `A: ${showName(a!)}\nB: ${showName(b)}\n${text}`, error: '', exitCode: 0 };
  } catch (error) {
    return { output: '', error: reasonOf(error), exitCode: 1 };
  }
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
    const options = { check: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } } as const;
    parsed = parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    return wrongCall(showLines((error as Error).message));
  }
  const { values, positionals } = parsed;
  if (values.help) return { output: USAGE, error: '', exitCode: 0 };
  if (positionals.length === 0) return wrongCall('expected a file, received none');
  if (values.check) return checkFiles(positionals);
  if (positionals.length > 2) return wrongCall(`expected one or two files, received ${positionals.length}`);
  return showFiles(positionals);
}
