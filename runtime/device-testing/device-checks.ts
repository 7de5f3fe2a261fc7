/** All checks of one device. */
import type { CreateKernelBackend } from '../../scheduler/kernel.js';
import { checkKeys } from '../option-checks.js';
import { CHUNK_CHECKS } from './chunk-checks.js';
import { checksOf, type DeviceCheck } from './device-check.js';
import { ENGINE_CHECKS } from './engine-checks.js';
import { FAILURE_CHECKS } from './failure-checks.js';
import { IN_FLIGHT_CHECKS } from './in-flight-checks.js';
import { KERNEL_CHECKS } from './kernel-checks.js';
import { MEMORY_CHECKS } from './memory-checks.js';
import type { DeviceCheckOptions } from './options.js';
import { PARKING_CHECKS } from './parking-checks.js';
import { QUEUE_CHECKS } from './queue-checks.js';
import { TIMING_CHECKS } from './timing-checks.js';
import { TRANSFER_CHECKS } from './transfer-checks.js';

export type { DeviceCheck } from './device-check.js';

const GROUPS = [
  TRANSFER_CHECKS,
  KERNEL_CHECKS,
  MEMORY_CHECKS,
  CHUNK_CHECKS,
  QUEUE_CHECKS,
  IN_FLIGHT_CHECKS,
  FAILURE_CHECKS,
  TIMING_CHECKS,
  PARKING_CHECKS,
  ENGINE_CHECKS,
] as const;

/**
 * The checks of the contract for a device. Each makes backends of its own, so they may run in any order, and at the same time
 * but for what that costs.
 *
 * @param createBackend what the device module exports as `createKernelBackend`
 * @throws INVALID_OPTION for options that do not exist
 * @example
 * import { describe, it } from 'node:test';
 * import { deviceChecks } from 'curfew/device-testing';
 * import { createKernelBackend } from './my-device.js';
 *
 * describe('my device', () => {
 *   for (const { name, run } of deviceChecks(createKernelBackend)) it(name, () => run());
 * });
 */
export function deviceChecks(
  createBackend: CreateKernelBackend,
  options: DeviceCheckOptions = {},
): DeviceCheck[] {
  checkKeys(options as unknown, 'options of deviceChecks()', [
    'device',
    'failingNode',
    'engine',
    'seed',
    'tolerance',
    'nowMs',
    'withinMs',
  ]);
  return GROUPS.flatMap((group) => checksOf({ createBackend, options }, group));
}
