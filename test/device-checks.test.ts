/** The conformance checks that `curfew/device-testing` offers, on every device there is. */
import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../kernels/reference/backend.js';
import type { VirtualFault } from '../kernels/virtual/options.js';
import { DEVICE_PROFILES } from '../kernels/virtual/profiles.js';
import { VirtualClock } from '../kernels/virtual/virtual-clock.js';
import { createKernelBackend as createWasmBackend } from '../kernels/wasm/backend.js';
import { type DeviceCheckOptions, deviceChecks } from '../runtime/device-testing.js';
import type { CreateKernelBackend } from '../scheduler/kernel.js';
import type { Fences } from '../scheduler/work-queue.js';
import { createKernelBackend as createExample } from './example-device/device.js';
import { createVirtualBackend } from './support/virtual-backend.js';

const built = (path: string): URL => new URL(`../dist/${path}`, import.meta.url);
const FAILING = 'fails';

function describeDevice(name: string, createBackend: CreateKernelBackend, options: DeviceCheckOptions): void {
  describe(`the ${name} device`, () => {
    for (const { name, run } of deviceChecks(createBackend, options))
      it(name, async ({ skip }) => {
        const reason = await run();
        if (reason !== undefined) skip(reason);
      });
  });
}

describeDevice('wasm', createWasmBackend, { engine: {} });
describeDevice('reference', createReferenceBackend, {
  engine: { device: { module: built('kernels/reference/backend.js') } },
});

const parking = new URL('./support/devices/parking.mjs', import.meta.url);
const { createKernelBackend: createParking } = await import(parking.href);
const parkingOptions = { strings: new SharedArrayBuffer(64), starts: [] };
describeDevice('parking', createParking, {
  device: parkingOptions,
  engine: { device: { module: parking, options: parkingOptions } },
});

describe.each<Fences>(['each', 'all'])("with fences '%s'", (fences) => {
  const device = { fences, failingNode: FAILING };
  describeDevice('example', createExample, {
    device,
    failingNode: FAILING,
    engine: { device: { module: built('test/example-device/device.js'), options: device } },
  });

  const clock = new VirtualClock();
  const faults: VirtualFault[] = [{ kind: 'kernel-error', node: FAILING, times: Number.MAX_SAFE_INTEGER }];
  describeDevice('virtual', (options) => createVirtualBackend(options, clock, fences, faults), {
    failingNode: FAILING,
    engine: {
      device: 'virtual',
      virtual: { profile: { ...DEVICE_PROFILES.h200, fences }, compute: true, faults },
    },
    nowMs: () => clock.nowMs(),
  });
});

describe('deviceChecks()', () => {
  it('refuses options that do not exist', () => {
    expect(() => deviceChecks(createWasmBackend, { failingNodes: 'x' } as DeviceCheckOptions)).toThrow(
      'failingNodes',
    );
  });
});
