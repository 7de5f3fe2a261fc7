/** The virtual device's kernels without its thread: the clock drives itself, so whoever awaits a wait lets time pass. */
import { DeviceQueue } from '../../kernels/virtual/device-queue.js';
import { NodeFaults } from '../../kernels/virtual/faults.js';
import type { VirtualFault } from '../../kernels/virtual/options.js';
import { DEVICE_PROFILES } from '../../kernels/virtual/profiles.js';
import { createRandom } from '../../kernels/virtual/random.js';
import { VirtualBackend } from '../../kernels/virtual/virtual-backend.js';
import type { VirtualClock } from '../../kernels/virtual/virtual-clock.js';
import { VirtualQueue } from '../../kernels/virtual/virtual-queue.js';
import type { BackendOptions } from '../../scheduler/kernel.js';
import type { Fences } from '../../scheduler/work-queue.js';

/** A backend that computes values, on this clock. */
export function createVirtualBackend(
  { memoryLimitBytes }: BackendOptions,
  clock: VirtualClock,
  fences: Fences,
  faults: readonly VirtualFault[],
): VirtualBackend {
  const profile = { ...DEVICE_PROFILES.h200, fences };
  const device = new DeviceQueue(clock, profile.queueDepth, () => undefined);
  const thread = {
    slot: undefined,
    after: (ms: number, callback: () => void) => void clock.setTimer(ms, callback),
    nowMs: () => clock.nowMs(),
  };
  return new VirtualBackend({
    simulation: {
      profile,
      seed: 1,
      jitter: 0,
      compute: true,
      faults,
      // Longer than submitting: otherwise nothing small is ever in flight.
      kernelMs: () => 2 * profile.submitMs,
      log: () => undefined,
    },
    faults: new NodeFaults(faults),
    random: createRandom(1),
    clock,
    queue: new VirtualQueue(device, profile, thread),
    limitBytes: memoryLimitBytes,
  });
}
