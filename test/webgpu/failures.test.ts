/** A GPU that is lost or hangs, a WebGPU that is not there. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createEngine } from '../../runtime/index.js';
import { rejection, runRejection } from '../support/catch-error.js';
import { endOf } from '../support/child-process.js';
import { startEngine } from '../support/engines.js';
import { until } from '../support/until.js';
import { checkSmall, expectCorrect, FEEDS, small } from './graphs.js';

const MODULE = new URL('../support/devices/webgpu.mjs', import.meta.url);

describe('before the set-up', () => {
  afterEach(() => vi.unstubAllEnvs());

  it('createEngine() rejects, naming the command', async () => {
    vi.stubEnv('CURFEW_CACHE', '/nowhere');
    const error = await rejection(createEngine({ device: 'webgpu' }));
    expect(error).toMatchObject({ code: 'DEVICE_UNAVAILABLE' });
    expect(error.message).toContain('npx curfew setup webgpu');
  });
});

describe('options', () => {
  it.each([
    [{ device: 'webgpu', threads: 2 }, 'UNSUPPORTED_OPTION', 'threads'],
    [{ device: 'webgpu', webgpu: { adapter: 'no such GPU' } }, 'DEVICE_UNAVAILABLE', 'no such GPU'],
  ] as const)('%o are refused', async (options, code, words) => {
    const error = await rejection(createEngine(options));
    expect(error).toMatchObject({ code });
    expect(error.message).toContain(words);
  });
});

describe('a GPU that is lost in the middle of a run', () => {
  it.each(['none', 'node', { precisionMs: 2 }] as const)(
    'fails the run in mode %o, and the stream goes on with another device',
    async (cancellation) => {
      const engine = await startEngine({ device: { module: MODULE }, streams: 2 });
      const losing = await engine.compile(small('lose'));
      const other = await engine.compile(small());
      for (let round = 1; round <= 2; round++) {
        const error = await runRejection(losing.run(FEEDS, { cancellation }));
        expect(error).toMatchObject({ code: 'DEVICE_LOST' });
        const replaced = () => engine.stats().streams.reduce((sum, stream) => sum + stream.replaced, 0);
        await until(() => replaced() === round, 'the stream is replaced');
        await Promise.all(Array.from({ length: 8 }, () => expectCorrect(other)));
      }
      const { bytes, streams } = engine.stats();
      expect(bytes.live).toBe(0);
      expect(streams.every(({ abandonedThreads }) => abandonedThreads === 0)).toBe(true);
      await checkSmall(engine);
    },
  );
});

/** In a process of its own, as nothing but its end ends the shader. */
describe('a GPU that hangs', () => {
  it('is abandoned after the limit of the drain; other streams work, and the process ends', async () => {
    const program = `
      const device = { module: new URL('${MODULE.href}') };
      const engine = await createEngine({ device, streams: 2, drainLimitMs: 200 });
      const [hanging, other] = await Promise.all([engine.compile(graph('hang')), engine.compile(graph('n'))]);
      await codeOf(hanging.run(feeds, { timeoutMs: 100 }));
      for (let run = 0; run < 5; run++) await other.run(feeds);
      const { streams } = engine.stats();
      show(streams.reduce((sum, { abandonedThreads }) => sum + abandonedThreads, 0));
      process.exit(0);
    `;
    const { stdout, signal } = await endOf(program);
    expect(stdout.split('\n')).toEqual(['DEVICE_LOST', '1']);
    expect([null, 'SIGKILL']).toContain(signal);
  });
});
