import { describe, expect, it, vi } from 'vitest';
import { DEVICE_PROFILES, type DeviceProfile } from '../kernels/virtual/profiles.js';
import { GraphBuilder } from '../runtime/graph-builder.js';
import { rejection, runRejection } from './support/catch-error.js';
import { startEngine } from './support/engines.js';

const start = (virtual: unknown, streams = 2) =>
  startEngine({ device: 'virtual', streams, virtual: virtual as object });

async function expectRefused(virtual: unknown, option: string, received: string): Promise<void> {
  const error = await rejection(start(virtual));
  expect(error.code).toBe('INVALID_OPTION');
  expect(error.message.startsWith(`${option}: expected `), error.message).toBe(true);
  expect(error.message).toContain(`received ${received}`);
}

function chain() {
  const builder = new GraphBuilder();
  const x = builder.input('x', { dtype: 'float32', shape: [4] });
  builder.output('y', builder.kernel('Neg', { x: builder.kernel('Neg', { x }, {}, { name: 'n0' }) }));
  return builder.build();
}

const feeds = { x: new Float32Array(4) };

describe('a profile of one’s own', () => {
  const { h200 } = DEVICE_PROFILES;
  const fields = Object.keys(h200);

  it.each(fields)('is refused without %s, or with anything but what it is for', async (field) => {
    const { [field as 'name']: _, ...rest } = h200;
    await expectRefused({ profile: rest }, `virtual.profile.${field}`, 'undefined');
    const wrong = field === 'name' ? ['', 7] : [Number.NaN, -1, '1', null];
    for (const value of wrong) {
      const received = typeof value === 'string' ? JSON.stringify(value) : String(value);
      await expectRefused({ profile: { ...h200, [field]: value } }, `virtual.profile.${field}`, received);
    }
  });

  it.each(fields.filter((field) => field.endsWith('Ms') && !field.endsWith('PerMs')))(
    'may have a %s of 0, but none that never ends',
    async (field) => {
      const engine = await start({ profile: { ...h200, [field]: 0 } });
      const executable = await engine.compile(chain());
      const options = { timeoutMs: 1000, cancellation: { precisionMs: 1 } } as const;
      expect((await executable.run(feeds, options)).report.outcome).toBe('completed');
      await expectRefused(
        { profile: { ...h200, [field]: Number.POSITIVE_INFINITY } },
        `virtual.profile.${field}`,
        'Infinity',
      );
    },
  );

  it('is refused with a field that nothing reads', async () => {
    await expectRefused({ profile: { ...h200, fenceMS: 1 } }, 'virtual.profile', '"fenceMS"');
  });

  it('is copied: changing it afterwards changes nothing', async () => {
    const profile: { -readonly [Field in keyof DeviceProfile]: DeviceProfile[Field] } = { ...h200 };
    const engine = await start({ profile });
    profile.submitMs = Number.NaN;
    const executable = await engine.compile(chain());
    expect((await executable.run(feeds)).report.outcome).toBe('completed');
  });
});

describe('faults', () => {
  it.each<[string, unknown, string]>([
    ['virtual.faults', 'stall', '"stall"'],
    ['virtual.faults[0].kind', [null], 'undefined'],
    ['virtual.faults[0].kind', [{ kind: 'toString' }], '"toString"'],
    ['virtual.faults[1].kind', [{ kind: 'watchdog', offsetMs: -1 }, {}], 'undefined'],
    ['virtual.faults[0].node', [{ kind: 'kernel-error' }], 'undefined'],
    ['virtual.faults[0].times', [{ kind: 'submit-error', node: 'n', times: 0 }], '0'],
    ['virtual.faults[0].times', [{ kind: 'submit-error', node: 'n', times: 1.5 }], '1.5'],
    ['virtual.faults[0].factor', [{ kind: 'slow-kernel', node: 'n', factor: Number.NaN }], 'NaN'],
    ['virtual.faults[0].stream', [{ kind: 'stall', stream: 2, atMs: 1 }], '2'],
    ['virtual.faults[0].stream', [{ kind: 'device-lost', stream: -1, atMs: 1 }], '-1'],
    ['virtual.faults[0].atMs', [{ kind: 'stall', stream: 0, atMs: Number.NaN }], 'NaN'],
    ['virtual.faults[0].byMs', [{ kind: 'clock-jump', atMs: 1, byMs: Number.POSITIVE_INFINITY }], 'Infinity'],
    ['virtual.faults[0].offsetMs', [{ kind: 'watchdog', offsetMs: '1' }], '"1"'],
    ['virtual.faults[0]', [{ kind: 'stall', stream: 0, atMs: 1, times: 2 }], '"times"'],
  ])('are refused where %s is wrong: %o', async (option, faults, received) => {
    await expectRefused({ faults }, option, received);
  });
});

describe('the other virtual options', () => {
  it.each<[string, unknown]>([
    ['profile', 'h100'],
    ['profile', 7],
    ['seed', 1.5],
    ['jitter', 1],
    ['jitter', Number.NaN],
    ['compute', 1],
    ['kernelMs', 5],
    ['log', {}],
  ])('are refused when they are none: %s %o', async (option, value) => {
    await expectRefused({ [option]: value }, `virtual.${option}`, '');
  });

  it.each([Number.NaN, -1, Number.POSITIVE_INFINITY, '5'])(
    'fail the node whose kernelMs is %o instead of hanging',
    async (ms) => {
      const engine = await start({ kernelMs: ({ name }: { name: string }) => (name === 'n0' ? ms : 1) });
      const executable = await engine.compile(chain());
      const error = await runRejection(executable.run(feeds));
      expect(error).toMatchObject({ code: 'KERNEL_FAILED', node: 'n0' });
      expect(error.message).toContain('virtual.kernelMs: expected a finite number of milliseconds');
    },
  );

  it('leave a run as it is when log throws, and let the exception surface', async () => {
    const surfaced: unknown[] = [];
    vi.spyOn(globalThis, 'queueMicrotask').mockImplementation((task) => {
      try {
        task();
      } catch (error) {
        surfaced.push(error);
      }
    });
    const boom = new Error('boom');
    let fails = true;
    const log = () => {
      if (fails) throw boom;
    };
    const executable = await (await start({ log })).compile(chain());
    expect((await executable.run(feeds)).report.outcome).toBe('completed');
    expect(new Set(surfaced)).toEqual(new Set([boom]));
    fails = false;
    vi.restoreAllMocks();
  });
});
