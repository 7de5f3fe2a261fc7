/** Checks that any device module can run, with any test runner: `curfew/device-testing`. DEVICES.md says how. */

export { CheckFailure } from './device-testing/check-failure.js';
export { type DeviceCheck, deviceChecks } from './device-testing/device-checks.js';
export type { DeviceCheckOptions } from './device-testing/options.js';
export { type CheckResult, runDeviceChecks } from './device-testing/run-device-checks.js';
