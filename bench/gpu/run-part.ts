/** Runs one part in a process of its own, which may hang or die without taking the others along. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PartContext, PartOutcome, PartResult } from './part.js';

/** A part that takes longer hangs, or is on a machine that it was not made for. */
const PART_LIMIT_MS = 300_000;

/** How a part's process is told what to do; see `main.ts`. */
export function partArguments(name: string, file: string, { smoke, adapter, folder }: PartContext): string[] {
  return [
    ...['--part', name, '--result', file, '--out', folder],
    ...(smoke ? ['--smoke'] : []),
    ...(adapter === undefined ? [] : ['--adapter', adapter]),
  ];
}

async function endOf(program: string, args: readonly string[], limitMs: number): Promise<string | undefined> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'inherit', 'inherit'] });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill('SIGKILL');
  }, limitMs);
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  clearTimeout(timer);
  if (isLate) return `it took longer than ${limitMs / 1000} s`;
  return code === 0 ? undefined : `its process ended with ${signal ?? `exit code ${code}`}`;
}

/** What a part has left in its file: a result, or the reason why there is none. */
function readResult(file: string): PartResult | { readonly reason: string } | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as PartResult | { readonly reason: string };
  } catch {
    return undefined;
  }
}

/** Never rejects because the part fails. */
export async function runPart(program: string, name: string, context: PartContext): Promise<PartOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'curfew-gpu-'));
  const file = join(folder, 'result.json');
  const startMs = performance.now();
  try {
    const reason = await endOf(program, partArguments(name, file, context), PART_LIMIT_MS);
    const tookMs = Math.round(performance.now() - startMs);
    const result = readResult(file);
    if (result !== undefined && 'tables' in result && reason === undefined)
      return { outcome: 'done', tookMs, ...result };
    const told = result !== undefined && 'reason' in result ? result.reason : reason;
    return { outcome: 'failed', tookMs, reason: told ?? 'it left no result' };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
