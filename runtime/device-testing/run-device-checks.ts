/** Runs all checks of a device, without a test runner. */
import type { CreateKernelBackend } from '../../scheduler/kernel.js';
import { messageOf } from '../../scheduler/quote.js';
import { deviceChecks } from './device-checks.js';
import type { DeviceCheckOptions } from './options.js';

/** What became of one check. */
export type CheckResult =
  | { readonly name: string; readonly outcome: 'passed' }
  /** It does not apply to the device. */
  | { readonly name: string; readonly outcome: 'skipped'; readonly reason: string }
  | { readonly name: string; readonly outcome: 'failed'; readonly error: unknown };

function lineOf(result: CheckResult): string {
  switch (result.outcome) {
    case 'passed':
      return `passed   ${result.name}`;
    case 'skipped':
      return `skipped  ${result.name} (${result.reason})`;
    case 'failed':
      return `FAILED   ${result.name}\n         ${messageOf(result.error)}`;
  }
}

/**
 * Runs the checks one after the other.
 *
 * @param print takes a line for each check when it has ended. Default: the console
 * @returns what became of each; never rejects because a check fails
 * @throws INVALID_OPTION as `deviceChecks` does
 * @example
 * const results = await runDeviceChecks(createKernelBackend);
 * process.exitCode = results.some(({ outcome }) => outcome === 'failed') ? 1 : 0;
 */
export async function runDeviceChecks(
  createBackend: CreateKernelBackend,
  options: DeviceCheckOptions = {},
  print: (line: string) => void = (line) => console.log(line),
): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const { name, run } of deviceChecks(createBackend, options)) {
    const result = await resultOf(name, run);
    print(lineOf(result));
    results.push(result);
  }
  return results;
}

async function resultOf(name: string, run: () => Promise<string | undefined>): Promise<CheckResult> {
  try {
    const reason = await run();
    return reason === undefined ? { name, outcome: 'passed' } : { name, outcome: 'skipped', reason };
  } catch (error) {
    return { name, outcome: 'failed', error };
  }
}
