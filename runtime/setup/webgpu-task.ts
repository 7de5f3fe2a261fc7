/** What the set-up of the webgpu device is asked for, and what it works with. */
import { curfewError } from '../../scheduler/errors.js';
import type { WorkplaceOptions } from './in-workplace.js';
import { isOlder, thisMachine } from './platform.js';
import type { WebGpuPins } from './webgpu-pins.js';
import type { Workplace } from './workplace.js';

/** Drivers that compute on the CPU. */
export const SOFTWARE_DRIVERS = ['lavapipe', 'swiftshader'] as const;
export type SoftwareDriver = (typeof SOFTWARE_DRIVERS)[number];

/** What matters of a machine. */
export interface WebGpuMachine {
  /** As Node.js calls it. */
  readonly platform: string;
  readonly arch: string;
  /** `undefined` where the C library is another one, such as musl. */
  readonly glibc: string | undefined;
  /** Whether packages of the system may be installed. */
  readonly isRoot: boolean;
  /** Where the system's files begin. */
  readonly root: string;
}

/** `cache` may be shared by versions of Curfew and by checkouts. */
export interface WebGpuSetupOptions extends WorkplaceOptions {
  /** `undefined`: the system's driver, or software where that has no adapter. */
  readonly driver: SoftwareDriver | undefined;
  readonly pins: WebGpuPins;
  readonly machine: WebGpuMachine;
}

/** What every part of it works with. */
export interface WebGpuWorkshop extends Workplace {
  readonly cache: string;
  readonly pins: WebGpuPins;
  readonly machine: WebGpuMachine;
}

/** That Dawn's addon was linked against. */
const OLDEST_GLIBC = '2.34';

export function thisWebGpuMachine(): WebGpuMachine {
  const { platform, arch, glibc } = thisMachine();
  return { platform, arch, glibc, isRoot: process.getuid?.() === 0, root: '/' };
}

/**
 * Refuses machines that Dawn's addon does not run on, or whose Vulkan nobody has tried.
 *
 * @throws SETUP_FAILED
 */
export function checkWebGpuMachine({ platform, arch, glibc }: WebGpuMachine): void {
  const refuse = (expected: string, received: string): never => {
    throw curfewError(
      'SETUP_FAILED',
      `Dawn's addon: expected ${expected}, received ${received}; the wasm device runs there without a set-up`,
    );
  };
  if (platform !== 'linux') refuse('Linux', platform);
  if (!['x64', 'arm64'].includes(arch)) refuse('x64 or arm64', arch);
  if (glibc === undefined) refuse('a Linux with glibc', 'another C library');
  if (isOlder(glibc!, OLDEST_GLIBC)) refuse(`glibc ${OLDEST_GLIBC} or later`, glibc!);
}
