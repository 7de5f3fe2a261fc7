/** The virtual device: simulated streams on a virtual clock, behind the same contract as every other device. */
import { type ControlWord, RUN_STATE, STATE_MASK } from '../../scheduler/cancellation.js';
import type { Device, DeviceOptions, RunControls } from '../../scheduler/device.js';
import { invariant } from '../../scheduler/errors.js';
import type { SlotIndex } from '../../scheduler/stream.js';
import {
  type ControlBlock,
  createControlBlock,
  SharedControls,
  stopWord,
} from '../stream-worker/control-block.js';
import { startStreams } from '../stream-worker/stream-set.js';
import { NodeFaults } from './faults.js';
import type { Simulation, VirtualFault, VirtualOptions } from './options.js';
import { DEVICE_PROFILES, type DeviceProfile } from './profiles.js';
import { VirtualClock } from './virtual-clock.js';
import { VirtualThread } from './virtual-thread.js';

/** Control words with a watchdog on virtual time. */
class VirtualControls implements RunControls {
  readonly #block: ControlBlock;
  readonly #shared: SharedControls;
  readonly #clock: VirtualClock;
  readonly #offsetMs: number;
  readonly #threads: readonly (VirtualThread | undefined)[];
  readonly #cancel = new Map<SlotIndex, () => void>();

  constructor(
    block: ControlBlock,
    clock: VirtualClock,
    offsetMs: number,
    threads: readonly (VirtualThread | undefined)[],
  ) {
    this.#block = block;
    this.#shared = new SharedControls(block);
    this.#clock = clock;
    this.#offsetMs = offsetMs;
    this.#threads = threads;
  }

  begin(slot: SlotIndex): ControlWord {
    return this.#shared.begin(slot);
  }

  stop(slot: SlotIndex, state: number): boolean {
    const stopped = this.#shared.stop(slot, state);
    if (stopped) this.#wake(slot);
    return stopped;
  }

  /** A thread that pauses in the run's work goes on. */
  #wake(slot: SlotIndex): void {
    for (const thread of this.#threads) thread?.onStop(slot);
  }

  setDeadline(slot: SlotIndex, atMs: number): void {
    const word = Atomics.load(this.#block.words, slot);
    const cancel = this.#clock.setTimer(atMs + this.#offsetMs - this.#clock.nowMs(), () => {
      const runs = (word & STATE_MASK) === RUN_STATE.running;
      if (runs && stopWord(this.#block, slot, word, RUN_STATE.deadline)) this.#wake(slot);
    });
    this.#cancel.set(slot, cancel);
  }

  end(slot: SlotIndex): void {
    const busy = this.#threads.find((thread) => thread?.hasWorkOf(slot));
    invariant(busy === undefined, `slot ${slot} has no work in flight when its run ends`);
    this.#cancel.get(slot)?.();
    this.#cancel.delete(slot);
    this.#shared.end(slot);
  }
}

/** Fills in what is left out. */
function completeOptions(options: VirtualOptions): Simulation {
  const { profile: chosen = 'h200', seed = 1, jitter = 0, compute = false, faults = [] } = options;
  const profile: DeviceProfile = typeof chosen === 'string' ? DEVICE_PROFILES[chosen] : chosen;
  return {
    profile: { ...profile, fences: options.fences ?? profile.fences },
    seed,
    jitter,
    compute,
    faults,
    kernelMs: (node) => options.kernelMs?.(node),
    log: (entry) => options.log?.(entry),
  };
}

type TimedFault = Extract<VirtualFault, { atMs: number }>;

function happen(kind: 'device-lost' | 'stall' | 'lost-wake-up', thread: VirtualThread | undefined): void {
  switch (kind) {
    case 'device-lost':
      thread?.end(new Error('simulated loss of the device'));
      break;
    case 'stall':
      thread?.device.stall();
      break;
    case 'lost-wake-up':
      thread?.device.loseWakeUp();
      break;
  }
}

function scheduleFaults(
  faults: readonly VirtualFault[],
  clock: VirtualClock,
  threads: readonly (VirtualThread | undefined)[],
): void {
  for (const fault of faults.filter((any): any is TimedFault => 'atMs' in any)) {
    clock.setTimer(fault.atMs, () => {
      if (fault.kind === 'clock-jump') clock.jump(fault.byMs);
      else happen(fault.kind, threads[fault.stream]);
    });
  }
}

/** Starts a simulation. The device brings its own clock, at 0. */
export async function createVirtualDevice(
  options: DeviceOptions,
  virtual: VirtualOptions,
  clock = new VirtualClock(),
): Promise<Device> {
  const simulation = completeOptions(virtual);
  const block = createControlBlock(options.slots);
  const threads: (VirtualThread | undefined)[] = [];
  const watchdog = simulation.faults.find((fault) => fault.kind === 'watchdog');
  const controls = new VirtualControls(block, clock, watchdog?.offsetMs ?? 0, threads);
  const faults = new NodeFaults(simulation.faults);
  const irreplaceable = new Set(
    simulation.faults.flatMap((fault) => (fault.kind === 'irreplaceable' ? [fault.stream] : [])),
  );
  const { memoryLimitBytes } = options;
  const { streams, ready } = startStreams({
    streams: options.streams,
    slots: options.slots,
    memoryLimitBytes,
    events: options.events,
    startThread: (stream, shared) => (events) => {
      if (threads[stream] !== undefined && irreplaceable.has(stream))
        throw new Error('simulated lack of threads');
      const thread = new VirtualThread(
        { stream, simulation, faults, clock, control: block.words, ...shared, memoryLimitBytes },
        events,
      );
      threads[stream] = thread;
      return thread;
    },
  });
  scheduleFaults(simulation.faults, clock, threads);
  await ready;
  const close = async () => {
    await Promise.all(streams.map((stream) => stream.terminate()));
  };
  return { name: 'virtual', clock, streams, controls, hasWatchdog: () => true, close };
}
