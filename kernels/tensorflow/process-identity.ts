/** Names of processes that stay right when the system gives a number to another process. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';

/** When a process started, in the kernel's ticks: '0' where the system does not tell, `undefined` where it has ended. */
function startOf(pid: number): string | undefined {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it is there, but another user's.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return undefined;
  }
  try {
    // Names of programs may have anything in them, but what follows the last parenthesis is numbers.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\)/s, '').trim().split(' ');
    return fields[0] === 'Z' ? undefined : fields[19]!;
  } catch {
    return '0';
  }
}

/** This process: number, start and machine. Fit for the name of a file. */
export function ownIdentity(): string {
  return `${process.pid}.${startOf(process.pid)}.${hostname()}`;
}

/**
 * Whether the process has ended for certain. Of processes of other machines and containers that share a folder nobody here
 * can tell, so they have not.
 */
export function hasEnded(identity: string): boolean {
  const match = /^(\d+)\.(\d+)\.(.+)$/s.exec(identity);
  if (match === null) return true;
  const [, pid, start, host] = match;
  return host === hostname() && startOf(Number(pid)) !== start;
}
