/** Runs programs that the set-up needs, and says in their words why one failed. */
import { type SpawnOptions, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { curfewError } from '../../scheduler/errors.js';

export interface ToolOptions {
  readonly signal: AbortSignal;
  readonly environment: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Called with each line of the program's output, not of its errors, as it comes. */
  readonly onLine?: (line: string) => void;
  /** Lines of its output that say nothing about why it failed. */
  readonly noise?: RegExp;
  /** What to do when the program fails, for the message. */
  readonly advice?: string;
}

/** What a program printed. */
export interface ToolOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/** Lines of output that a message quotes. */
const QUOTED_LINES = 12;

function lastLines(text: string, noise: RegExp): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !noise.test(line));
  return lines
    .slice(-QUOTED_LINES)
    .map((line) => `  ${line}`)
    .join('\n');
}

/** Ends the program and whatever it started: compilers outlive the one that called them. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGTERM');
  } catch {
    // It has ended by itself.
  }
}

/**
 * Runs a program to its end.
 *
 * @param what names what it does, as "downloading tensorflow"
 * @throws SETUP_FAILED with the end of its output; the signal's reason
 */
export async function runTool(
  what: string,
  [command, ...args]: readonly [string, ...string[]],
  { signal, environment, cwd, onLine, noise = /^$/, advice }: ToolOptions,
): Promise<ToolOutput> {
  signal.throwIfAborted();
  const options: SpawnOptions = { env: environment, stdio: ['ignore', 'pipe', 'pipe'], detached: true };
  const child = spawn(command, args, cwd === undefined ? options : { ...options, cwd });
  const end = () => endGroup(child.pid);
  signal.addEventListener('abort', end);
  try {
    const output = { stdout: '', stderr: '' };
    for (const name of ['stdout', 'stderr'] as const) {
      child[name]!.setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
      });
    }
    if (onLine !== undefined) createInterface({ input: child.stdout! }).on('line', onLine);
    const ended = await new Promise<string>((resolve) => {
      child.on('error', ({ message }) => resolve(message));
      child.on('close', (code, killedBy) => resolve(code === 0 ? '' : `ended with ${code ?? killedBy}`));
    });
    signal.throwIfAborted();
    if (ended === '') return output;
    const quoted = lastLines(output.stderr === '' ? output.stdout : output.stderr, noise);
    const message = `${what}: ${command} ${ended}${quoted === '' ? '' : `\n${quoted}`}`;
    throw curfewError('SETUP_FAILED', advice === undefined ? message : `${message}\n${advice}`);
  } finally {
    signal.removeEventListener('abort', end);
  }
}
