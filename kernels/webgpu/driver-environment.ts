/**
 * Tells the Vulkan loader which driver to take, in the variable VK_DRIVER_FILES. The loader reads it whenever a thread's Dawn
 * first asks for an adapter, from the process's own environment: of that a worker thread has a copy only, so only the main thread
 * can set it. As streams are replaced at any time, it stays while a device is open. Programs that are started meanwhile inherit
 * it. Who has named drivers themselves keeps them.
 */
import { isMainThread } from 'node:worker_threads';
import { curfewError } from '../../scheduler/errors.js';
import { namesDrivers } from './installation.js';

const VARIABLE = 'VK_DRIVER_FILES';

/** Devices that are open or being opened. */
let open = 0;
/** What was set for them; the first one decides. */
let ours: string | undefined;

/** Refuses a thread that cannot set the variable where it is needed. */
function checkThread(driverFiles: string): void {
  if (isMainThread || namesDrivers(process.env)) return;
  throw curfewError(
    'DEVICE_UNAVAILABLE',
    `device: 'webgpu': expected the main thread or a process started with ${VARIABLE}=${driverFiles}, received a worker thread ` +
      'without that variable; worker threads have only a copy of the environment, so Curfew cannot set it from there',
  );
}

function enter(driverFiles: string): void {
  open++;
  if (open > 1 || namesDrivers(process.env)) return;
  process.env[VARIABLE] = driverFiles;
  ours = driverFiles;
}

function leave(): void {
  open--;
  if (open > 0 || ours === undefined) return;
  // Whoever has set it meanwhile keeps it.
  if (process.env[VARIABLE] === ours) delete process.env[VARIABLE];
  ours = undefined;
}

/**
 * Opens a device whose threads load this driver, and any that later replace them. Until the device that it gives is closed,
 * the variable stays.
 *
 * @param driverFiles of the installation; `undefined` changes nothing
 * @throws DEVICE_UNAVAILABLE in a worker thread, unless the variable was there before
 */
export async function withDriver<Opened extends { close(): Promise<void> }>(
  driverFiles: string | undefined,
  start: () => Promise<Opened>,
): Promise<Opened> {
  if (driverFiles === undefined) return start();
  checkThread(driverFiles);
  let isHeld = true;
  const release = () => {
    if (isHeld) leave();
    isHeld = false;
  };
  enter(driverFiles);
  try {
    const opened = await start();
    return { ...opened, close: () => opened.close().finally(release) };
  } catch (error) {
    release();
    throw error;
  }
}
