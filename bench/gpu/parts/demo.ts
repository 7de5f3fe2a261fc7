/** The demo, in a process of its own. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Cell } from '../../demo/measure.js';
import type { Summary } from '../../harness.js';
import { formatChange, formatMs } from '../../table.js';
import type { Part } from '../part.js';

const PROGRAM = fileURLToPath(new URL('../../demo/demo.js', import.meta.url));
const [REPEATS, SMOKE_REPEATS] = [5, 1];

/** What the demo prints. */
interface DemoResult {
  readonly fullMs: number;
  readonly overheads: readonly Summary[];
  readonly cells: readonly Cell[];
}

export const demo: Part = async ({ smoke, adapter, folder }) => {
  const args = ['--device', 'webgpu', '--json', '--repeat', String(smoke ? SMOKE_REPEATS : REPEATS)];
  if (adapter !== undefined) args.push('--adapter', adapter);
  const { status, signal, stdout } = spawnSync(process.execPath, [PROGRAM, ...args], {
    // It writes its timeline where it runs.
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (status !== 0) throw new Error(`${join('demo', 'demo.js')} ended with ${signal ?? status}`);
  // Dawn may print before it.
  const result = JSON.parse(stdout.slice(stdout.indexOf('{\n'))) as DemoResult;
  const rows = result.cells.map((cell) => [
    cell.mode,
    `${cell.timeoutMs} ms`,
    formatMs(cell.settledMs),
    formatMs(cell.latenessMs),
    `${cell.nodesCompleted} of ${cell.nodesTotal}`,
    formatMs(cell.gapMs),
    formatChange(result.overheads[cell.modeIndex]!.median),
  ]);
  const header = ['mode', 'timeout', 'settled after', 'lateness', 'nodes', 'event-loop gap', 'overhead'];
  return {
    tables: [{ title: `Demo: a complete run takes ${formatMs(result.fullMs)}`, header, rows }],
    data: result,
  };
};
