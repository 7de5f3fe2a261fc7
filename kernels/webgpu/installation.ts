/** Where the parts of the webgpu device come from: packages that the user has installed, or what `curfew setup webgpu` keeps. */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { curfewError } from '../../scheduler/errors.js';
import { cacheFolder, type Environment, isTrusted, readText } from '../cache-folder.js';

/** Where the parts of the webgpu device are. Absolute paths. */
export interface WebGpuInstallation {
  /** Dawn's addon: dawn.node. Dawn takes the Vulkan loader that lies beside it, if one does. */
  readonly addon: string;
  /** TensorFlow.js's kernels: tf-backend-webgpu.node.js. */
  readonly kernels: string;
  /** What the Vulkan loader is to be told in VK_DRIVER_FILES: the set-up's own driver; `undefined`: the system's. */
  readonly driverFiles: string | undefined;
}

/** A package that the device needs a file of. */
export interface WebGpuPackage {
  readonly name: string;
  /** The only one that the device is made for. */
  readonly version: string;
  /** In the package's folder. */
  readonly file: string;
}

/** What computes, as Dawn tells of it. */
export interface WebGpuAdapter {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** Whether it computes on the CPU. */
  readonly isSoftware: boolean;
}

/** A driver that is not simply the system's. Paths are absolute, or start in the set-up's folder. */
export interface WebGpuDriver {
  readonly driverFiles: string;
  /** The copy of Dawn's addon beside the driver's Vulkan loader; `null` where the driver takes the system's loader. */
  readonly addon: string | null;
}

/** What the set-up notes at its end. */
export interface WebGpuRecord {
  /** `null`: the system's. */
  readonly driver: WebGpuDriver | null;
  readonly adapter: WebGpuAdapter;
}

const { platform, arch } = process;
/** As the package `webgpu` names its folders. */
const PLATFORM = platform === 'darwin' ? 'darwin-universal' : `${platform}-${arch}`;

export const DAWN: WebGpuPackage = {
  name: 'webgpu',
  version: '0.6.2',
  file: join('dist', PLATFORM, 'dawn.node'),
};
export const KERNELS: WebGpuPackage = {
  name: '@tensorflow/tfjs-backend-webgpu',
  version: '4.22.0',
  file: join('dist', 'tf-backend-webgpu.node.js'),
};

/** What tells one version of Dawn's addon from others, in names of files and folders. */
export const DAWN_NAME = `webgpu-${DAWN.version}-${PLATFORM}`;

/** The set-up's folder. */
export const webGpuFolder = (cache: string): string => join(cache, 'webgpu');

/** Copies of the two files, each in a folder that is complete when it is there. */
export const cachedAddon = (cache: string): string => join(webGpuFolder(cache), DAWN_NAME, 'dawn.node');
export const cachedKernels = (cache: string): string =>
  join(webGpuFolder(cache), `tfjs-backend-webgpu-${KERNELS.version}`, 'tf-backend-webgpu.node.js');

/** Holds the record. Named by the version, as a driver comes with an addon. */
export const recordFile = (cache: string): string => join(webGpuFolder(cache), `${DAWN_NAME}.json`);

/** The driver with absolute paths. */
export function placeDriver(cache: string, { driverFiles, addon }: WebGpuDriver): WebGpuDriver {
  const place = (path: string) => resolve(webGpuFolder(cache), path);
  return { driverFiles: place(driverFiles), addon: addon === null ? null : place(addon) };
}

/** The record; `undefined` where there is none, where it is damaged, or where its driver is gone. */
export function readRecord(cache: string): WebGpuRecord | undefined {
  try {
    const { driver, adapter } = JSON.parse(readText(recordFile(cache)) ?? '') as WebGpuRecord;
    if (typeof adapter.description !== 'string') return undefined;
    if (driver === null) return { driver, adapter };
    const { driverFiles, addon } = placeDriver(cache, driver);
    const isThere = existsSync(driverFiles) && (addon === null || existsSync(addon));
    return isThere ? { driver, adapter } : undefined;
  } catch {
    return undefined;
  }
}

/** Finds a file of a package, such as `webgpu/package.json`, as `require.resolve` does. */
export type Resolver = (specifier: string) => string;

const ownResolver: Resolver = createRequire(import.meta.url).resolve;

/**
 * The file of a package that the user has installed; `undefined` where they have not, or it has no such file.
 *
 * @throws DEVICE_UNAVAILABLE for another version
 */
export function findInPackage(
  { name, version, file }: WebGpuPackage,
  resolver: Resolver = ownResolver,
): string | undefined {
  let description: string;
  try {
    description = resolver(`${name}/package.json`);
  } catch {
    return undefined;
  }
  const { version: received } = JSON.parse(readText(description) ?? '{}') as { readonly version?: string };
  if (received !== version) {
    throw curfewError(
      'DEVICE_UNAVAILABLE',
      `package ${name}: expected version ${version}, received ${received} in ${dirname(description)}; ` +
        `run npm install ${name}@${version}, or remove the package and run npx curfew setup webgpu`,
      { expected: version, received },
    );
  }
  const found = join(dirname(description), file);
  return existsSync(found) ? found : undefined;
}

/** Name drivers to the Vulkan loader, which takes the first of them that is set. */
const DRIVER_VARIABLES = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES'];

/** Whether the user has named drivers to the Vulkan loader. Then they decide. */
export function namesDrivers(environment: Environment): boolean {
  return DRIVER_VARIABLES.some((name) => (environment[name] ?? '') !== '');
}

/**
 * Where an adapter was missed, for messages: the Vulkan loader looks for no drivers itself while one of the variables is set,
 * be it empty, which names none.
 */
export function describeSearch(environment: Environment): string {
  const set = DRIVER_VARIABLES.filter((name) => environment[name] !== undefined);
  if (set.length === 0) return '';
  const assignments = set.map((name) => `${name}=${JSON.stringify(environment[name])}`);
  return ` among the drivers that the environment names (${assignments.join(', ')})`;
}

/** While a device is open the variable says what it has been told. */
function namesOthers(environment: Environment, driverFiles: string | undefined): boolean {
  return namesDrivers(environment) && environment['VK_DRIVER_FILES'] !== driverFiles;
}

/**
 * What the device is to load: from the packages `webgpu` and `@tensorflow/tfjs-backend-webgpu` where they are installed, or else
 * from what the set-up keeps, unless other users can write there. `undefined` where a part is missing: then
 * `npm run setup:webgpu` or `npx curfew setup webgpu` has to be run. Reads a few small files and loads nothing.
 *
 * @throws DEVICE_UNAVAILABLE when a package is there in a version that the device is not made for
 */
export function findWebGpu(
  environment: Environment = process.env,
  resolver: Resolver = ownResolver,
): WebGpuInstallation | undefined {
  const cache = cacheFolder(environment);
  const inCache = (file: string) => (isTrusted(cache) && existsSync(file) ? file : undefined);
  const addon = findInPackage(DAWN, resolver) ?? inCache(cachedAddon(cache));
  const kernels = findInPackage(KERNELS, resolver) ?? inCache(cachedKernels(cache));
  if (addon === undefined || kernels === undefined) return undefined;
  const noted = isTrusted(cache) ? readRecord(cache)?.driver : undefined;
  const driver = noted == null ? undefined : placeDriver(cache, noted);
  return {
    addon: driver?.addon ?? addon,
    kernels,
    driverFiles: namesOthers(environment, driver?.driverFiles) ? undefined : driver?.driverFiles,
  };
}
