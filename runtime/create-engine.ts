/** Starts an engine: checks the options, starts the device, puts the engine on it. */
import { createDevice } from '../kernels/devices.js';
import { type Clock, createSystemClock } from '../scheduler/clock.js';
import { Engine } from './engine.js';
import { EngineEmitter } from './events.js';
import { checkEngineOptions, type EngineOptions } from './options.js';

/**
 * Starts a device and its streams.
 *
 * @throws INVALID_OPTION, UNSUPPORTED_OPTION for what is wrong with the options; DEVICE_UNAVAILABLE when the device
 *   cannot run on this machine
 * @example
 * const engine = await createEngine({ streams: 2 });
 * try { … } finally { await engine.close(); }
 */
export function createEngine(options: EngineOptions = {}): Promise<Engine> {
  return createEngineWithClock(options, createSystemClock());
}

/** The same with a clock of the caller's, which counts and controls what the main thread reads. */
export function createEngineWithClock(options: EngineOptions, clock: Clock): Promise<Engine> {
  return createEngineOn(options, clock, createDevice);
}

/** The same on a device that the caller starts, which may stand between the engine and a device of Curfew's. */
export async function createEngineOn(
  options: EngineOptions,
  clock: Clock,
  startDevice: typeof createDevice,
): Promise<Engine> {
  const checked = checkEngineOptions(options);
  const events = new EngineEmitter();
  let engine: Engine | undefined;
  const device = await startDevice(checked.device, {
    streams: checked.streams,
    threads: checked.threads,
    slots: checked.streams * checked.runsInFlight,
    memoryLimitBytes: checked.memoryLimitBytes,
    clock,
    events: {
      onStreamChange: () => engine?.onStreamChange(),
      onStreamReplaced: (stream, reason) => engine?.onStreamReplaced(stream, reason),
    },
  });
  engine = new Engine(device, checked, events);
  return engine;
}
