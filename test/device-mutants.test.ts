/** Every way to break the contract of devices that we could think of is found by a check. */
import { expect, it } from 'vitest';
import { type CheckResult, runDeviceChecks } from '../runtime/device-testing.js';
import { createMutant, EXAMPLE_MUTANTS } from './support/example-mutants.js';

const FAILING = 'fails';

const failedOf = (results: readonly CheckResult[]): string[] =>
  results.filter(({ outcome }) => outcome === 'failed').map(({ name }) => name);

it.each(EXAMPLE_MUTANTS)('a device is found out: $name ($foundBy)', async (mutant) => {
  const results = await runDeviceChecks(
    (options) => createMutant(mutant, options),
    { device: { failingNode: FAILING }, failingNode: FAILING },
    () => undefined,
  );
  expect(failedOf(results)).toContainEqual(expect.stringContaining(mutant.foundBy));
});
