/** Finds a Vulkan driver with an adapter for Dawn: the system's, or one that computes on the CPU. */
import {
  placeDriver,
  readRecord,
  type WebGpuAdapter,
  type WebGpuDriver,
} from '../../kernels/webgpu/installation.js';
import { CurfewError, curfewError } from '../../scheduler/errors.js';
import { lookForAdapter } from './webgpu-adapter.js';
import { installLavapipe } from './webgpu-apt.js';
import { findLavapipe } from './webgpu-lavapipe.js';
import { provideSwiftShader } from './webgpu-swiftshader.js';
import type { SoftwareDriver, WebGpuWorkshop } from './webgpu-task.js';

/** A driver whose adapter has computed. */
export interface FoundDriver {
  readonly driver: WebGpuDriver | null;
  readonly adapter: WebGpuAdapter;
}

/** One search, which remembers why nothing was found. */
class Search {
  readonly #addon: string;
  readonly #workshop: WebGpuWorkshop;
  readonly failures: string[] = [];

  constructor(addon: string, workshop: WebGpuWorkshop) {
    this.#addon = addon;
    this.#workshop = workshop;
  }

  #fail(what: string, why: string): undefined {
    this.#workshop.report(`No adapter (${what}): ${why.split('\n')[0]}`);
    this.failures.push(`${what}: ${why}`);
  }

  /** `driver` as it is to be noted. */
  async #look(what: string, driver: WebGpuDriver | null): Promise<FoundDriver | undefined> {
    this.#workshop.report(`Looking for an adapter (${what})`);
    const placed = driver === null ? null : placeDriver(this.#workshop.cache, driver);
    const look = await lookForAdapter(placed?.addon ?? this.#addon, placed, this.#workshop);
    if ('adapter' in look) return { driver, adapter: look.adapter };
    return this.#fail(what, look.why);
  }

  system(): Promise<FoundDriver | undefined> {
    return this.#look("the system's drivers", null);
  }

  /** The one that the last set-up ended with. */
  async #kept(): Promise<FoundDriver | undefined> {
    const driver = readRecord(this.#workshop.cache)?.driver ?? null;
    return driver === null ? undefined : this.#look('the driver of the last set-up', driver);
  }

  async #lavapipe(isForced: boolean): Promise<FoundDriver | undefined> {
    const { machine } = this.#workshop;
    const found = findLavapipe(machine);
    const before = found === undefined ? undefined : await this.#look('lavapipe', found);
    if (before !== undefined) return before;
    await installLavapipe(this.#workshop);
    const afterwards = isForced ? undefined : await this.system();
    if (afterwards !== undefined) return afterwards;
    const installed = findLavapipe(machine);
    return installed === undefined ? undefined : this.#look('lavapipe', installed);
  }

  async #swiftShader(): Promise<FoundDriver | undefined> {
    return this.#look('SwiftShader', await provideSwiftShader(this.#addon, this.#workshop));
  }

  /** A driver that cannot be provided is as good as one without an adapter. */
  async #unlessItFails(
    what: string,
    find: () => Promise<FoundDriver | undefined>,
  ): Promise<FoundDriver | undefined> {
    try {
      return await find();
    } catch (error) {
      if (!(error instanceof CurfewError)) throw error;
      return this.#fail(what, error.message);
    }
  }

  /** @throws SETUP_FAILED when the one that is asked for cannot be provided; the signal's reason */
  async software(driver: SoftwareDriver | undefined): Promise<FoundDriver | undefined> {
    if (driver === 'lavapipe') return this.#lavapipe(true);
    if (driver === 'swiftshader') return this.#swiftShader();
    return (
      (await this.#kept()) ??
      (await this.#unlessItFails('lavapipe', () => this.#lavapipe(false))) ??
      (await this.#unlessItFails('SwiftShader', () => this.#swiftShader()))
    );
  }
}

/**
 * Finds one: the system's, then one that computes on the CPU, which is installed if need be; or the one that is asked for.
 *
 * @param addon of Dawn
 * @throws DEVICE_UNAVAILABLE where none has an adapter; SETUP_FAILED; the signal's reason
 */
export async function findDriver(
  wanted: SoftwareDriver | undefined,
  addon: string,
  workshop: WebGpuWorkshop,
): Promise<FoundDriver> {
  const search = new Search(addon, workshop);
  const system = wanted === undefined ? await search.system() : undefined;
  const found = system ?? (await search.software(wanted));
  if (found !== undefined) return found;
  const tried = search.failures.map((failure) => `  ${failure}`).join('\n');
  throw curfewError(
    'DEVICE_UNAVAILABLE',
    `WebGPU: expected a Vulkan driver with an adapter, found none\n${tried}\n` +
      'Install the Vulkan driver of the GPU, or run this command as root on Debian or Ubuntu, and then again',
  );
}
