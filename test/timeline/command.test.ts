import { execFile } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEngine } from '../../runtime/create-engine.js';
import { timelineCommand } from '../../runtime/timeline/command.js';
import { chain, timelineOf } from '../support/timelines.js';

const CLI = fileURLToPath(new URL('../../dist/runtime/cli.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'curfew-'));
const at = (name: string): string => join(folder, name);

/** Writes the timeline of a stopped chain whose kernels take so long. */
async function write(name: string, kernelMs: number, nodes: number): Promise<string> {
  await using engine = await createEngine({ device: 'virtual', virtual: { kernelMs: () => kernelMs } });
  const executable = await engine.compile(chain(nodes), { name: 'chain' });
  const timeline = await timelineOf(executable, { timeoutMs: 3.5 * kernelMs });
  writeFileSync(at(name), JSON.stringify(timeline.toChromeTrace()));
  return timeline.summary().text;
}

let summaryOfA = '';
beforeAll(async () => {
  summaryOfA = await write('a.json', 1, 6);
  await write('b.json', 2, 6);
  writeFileSync(at('broken.json'), '{"traceEvents": []}');
  writeFileSync(at('hostile.json'), '"\\u001b[31m"');
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('curfew timeline', () => {
  it('prints the summary of a file, the same as the timeline itself gives', async () => {
    const { output, exitCode } = await timelineCommand([at('a.json')]);
    expect(output).toBe(summaryOfA);
    expect(exitCode).toBe(0);
    expect(output).toMatch(/chain #1: deadline-exceeded; queued 0\.000 ms, ran .* late/);
    expect(output).toContain('4 of 6 nodes executed, 2 skipped, stopped before n4');
    expect(output).toMatch(/^stream 0, thread +0\.0 %/m);
    expect(output).toMatch(/^n0 +Neg +1 +1\.00 ms/m);
  });

  it('prints the differences between two files, node by node', async () => {
    const { output, exitCode } = await timelineCommand([at('a.json'), at('b.json')]);
    expect(exitCode).toBe(0);
    expect(output).toContain('4 nodes in both: 4.00 ms in A, 8.00 ms in B (+4.00 ms, ×2.00)');
    expect(output).toMatch(/^n1 +Neg +1\.00 ms +2\.00 ms +\+1\.00 ms +×2\.00$/m);
  });

  it('checks files, and ends with 1 when one is refused', async () => {
    expect(await timelineCommand(['--check', at('a.json')])).toMatchObject({ exitCode: 0, error: '' });
    const both = await timelineCommand(['--check', at('a.json'), at('broken.json')]);
    expect(both).toMatchObject({ exitCode: 1 });
    expect(both.output).toContain('a.json: a timeline of');
    expect(both.error).toContain('broken.json: displayTimeUnit: expected "ms", received undefined');
  });

  it.each([
    ['a file that is not there', ['missing.json'], /expected a readable file/],
    ['a broken file', ['broken.json'], /displayTimeUnit/],
    ['a folder', ['.'], /expected a readable file/],
  ])('refuses %s with 1', async (_, files, reason) => {
    const { error, exitCode } = await timelineCommand(files.map(at));
    expect(exitCode).toBe(1);
    expect(error).toMatch(reason);
  });

  it.each([[[]], [['a', 'b', 'c']], [['--unknown', 'a']]])(
    'ends with 2 and its usage for %o',
    async (args) => {
      const { error, exitCode } = await timelineCommand(args);
      expect(exitCode).toBe(2);
      expect(error).toContain('curfew timeline FILE');
    },
  );

  it('hands no control character of a file to the terminal', async () => {
    copyFileSync(at('a.json'), at('\u001b[31mred.json'));
    const red = await timelineCommand(['--check', at('\u001b[31mred.json'), at('\u001b[31mmissing.json')]);
    expect(red).toMatchObject({
      output: expect.stringContaining('red.json') as string,
      error: expect.stringContaining('missing.json') as string,
    });
    expect(red.output + red.error).not.toContain('\u001b');
    const hostile = await timelineCommand([at('hostile.json')]);
    expect(hostile.exitCode).toBe(1);
    expect(hostile.error).not.toContain('\u001b');
  });

  it('sums up, compares and checks a file of 150,000 rows', async () => {
    const events = Array.from({ length: 150_000 }, (_, index) => {
      const row = `"pid":2,"tid":${index}`;
      const name = `{"name":"thread_name","ph":"M",${row},"ts":0,"args":{"name":"row ${index}"}}`;
      return `${name},{"name":"n${index}","ph":"X",${row},"ts":0,"dur":1,"cat":"node","args":{}}`;
    });
    const otherData = '{"producer":"curfew","device":"wasm","droppedRecords":0}';
    const head = `{"displayTimeUnit":"ms","otherData":${otherData},"traceEvents":[`;
    writeFileSync(at('rows.json'), `${head}${events.join(',')}]}`);
    expect(await timelineCommand(['--check', at('rows.json')])).toMatchObject({ exitCode: 0, error: '' });
    const summary = await timelineCommand([at('rows.json')]);
    expect(summary).toMatchObject({ exitCode: 0, error: '' });
    expect(summary.output).toContain('… and 149872 more');
    const comparison = await timelineCommand([at('rows.json'), at('a.json')]);
    expect(comparison.output).toContain('149996 only in A, 0 only in B');
  });
});

describe('the program curfew', () => {
  interface Ended {
    readonly code: number;
    readonly stdout: string;
    readonly stderr: string;
  }
  const curfew = (...args: string[]): Promise<Ended> =>
    new Promise((resolve) => {
      execFile(process.execPath, [CLI, ...args], (error, stdout, stderr) =>
        resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
      );
    });

  it('runs the command', async () => {
    expect(await curfew('timeline', at('a.json'))).toEqual({
      code: 0,
      stdout: `${summaryOfA}\n`,
      stderr: '',
    });
  });

  it.each([[[]], [['--help']], [['help']], [['-h']], [['timeline', '--help']], [['timeline', '-h']]])(
    'prints its usage and ends with 0 for %j',
    async (args) => {
      const { code, stdout, stderr } = await curfew(...args);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      expect(stdout).toContain('curfew timeline --check FILE...');
    },
  );

  it('prints its version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(await curfew('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it.each([
    [['nonsense']],
    [['--nonsense']],
    [['timeline']],
    [['timeline', '--nonsense']],
    [['--version', 'x']],
    [['-v', '--nonsense']],
  ])('ends with 2 and its usage for %j', async (args) => {
    const { code, stdout, stderr } = await curfew(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('curfew timeline --check FILE...');
  });

  it('refuses a file with the code and without a stack', async () => {
    const { code, stdout, stderr } = await curfew('timeline', at('broken.json'));
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^INVALID_TIMELINE: .*broken\.json: displayTimeUnit/);
    expect(stderr).not.toContain('    at ');
  });
});
