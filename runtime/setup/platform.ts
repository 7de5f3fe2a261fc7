/** Which machines TensorFlow can be set up on, and whether one has an NVIDIA driver. */
import { existsSync } from 'node:fs';
import { curfewError } from '../../scheduler/errors.js';

/** What matters of a machine. */
export interface Machine {
  /** As Node.js calls it. */
  readonly platform: string;
  readonly arch: string;
  /** `undefined` where the C library is another one, such as musl. */
  readonly glibc: string | undefined;
  readonly hasNvidiaDriver: boolean;
}

/** Of the wheels that are pinned. */
const OLDEST_GLIBC = '2.27';

/** Each is there while the driver is loaded: as Linux has it, in containers, and in Windows' subsystem for Linux. */
const DRIVER_FILES = ['/proc/driver/nvidia/version', '/dev/nvidiactl', '/usr/lib/wsl/lib/libcuda.so.1'];

export function thisMachine(): Machine {
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  const { platform, arch } = process;
  return {
    platform,
    arch,
    glibc: header.glibcVersionRuntime,
    hasNvidiaDriver: DRIVER_FILES.some(existsSync),
  };
}

/** Whether a version such as `2.4` comes before one such as `2.27`. */
export function isOlder(version: string, than: string): boolean {
  return version.localeCompare(than, 'en', { numeric: true }) < 0;
}

/**
 * Refuses what nothing is pinned for. A library that the user brings may be of any processor.
 *
 * @throws SETUP_FAILED
 */
export function checkMachine({ platform, arch, glibc }: Machine, bringsLibrary: boolean): void {
  const refuse = (expected: string, received: string): never => {
    throw curfewError(
      'SETUP_FAILED',
      `TensorFlow's wheels: expected ${expected}, received ${received}; the wasm device runs there without a set-up`,
    );
  };
  if (platform !== 'linux') refuse('Linux', platform);
  if (glibc === undefined) refuse('a Linux with glibc', 'another C library');
  if (bringsLibrary) return;
  if (arch !== 'x64') refuse('x86-64, or a library of your own with --library DIR', arch);
  if (isOlder(glibc!, OLDEST_GLIBC)) refuse(`glibc ${OLDEST_GLIBC} or later`, glibc!);
}
