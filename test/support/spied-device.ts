/** A device of Curfew's between the engine and which a test stands: it sees deadlines, and may tell what is not true. */
import { onTestFinished } from 'vitest';
import { createDevice } from '../../kernels/devices.js';
import { createEngineOn } from '../../runtime/create-engine.js';
import type { Engine } from '../../runtime/engine.js';
import type { EngineOptions } from '../../runtime/options.js';
import { type Clock, createSystemClock } from '../../scheduler/clock.js';
import type { Device, DeviceStream, RunControls } from '../../scheduler/device.js';
import type { SlotIndex, StreamEvent } from '../../scheduler/stream.js';

export interface Spied {
  readonly engine: Engine;
  /** Slots whose deadline is armed. */
  readonly armed: ReadonlySet<SlotIndex>;
  /** What streams tell of runs passes through here. */
  distort: (event: StreamEvent) => StreamEvent;
}

/** The same object with some methods replaced. */
function override<Target extends object>(target: Target, methods: Partial<Target>): Target {
  return new Proxy(target, {
    get: (_, key) => {
      if (Object.hasOwn(methods, key)) return Reflect.get(methods, key);
      const value: unknown = Reflect.get(target, key);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function spyControls(controls: RunControls, armed: Set<SlotIndex>): RunControls {
  return override(controls, {
    setDeadline: (slot, atMs) => {
      armed.add(slot);
      controls.setDeadline(slot, atMs);
    },
    end: (slot) => {
      armed.delete(slot);
      controls.end(slot);
    },
  });
}

function spyStream(stream: DeviceStream, distort: (event: StreamEvent) => StreamEvent): DeviceStream {
  return override(stream, {
    open: (run) => stream.open({ ...run, onEvent: (event) => run.onEvent(distort(event)) }),
  });
}

/** An engine on a spied device, closed when the test has ended. */
export async function startSpiedEngine(
  options: EngineOptions,
  clock: Clock = createSystemClock(),
): Promise<Spied> {
  const armed = new Set<SlotIndex>();
  const spied = { armed, distort: (event: StreamEvent) => event };
  const engine = await createEngineOn(options, clock, async (...args): Promise<Device> => {
    const device = await createDevice(...args);
    return {
      ...device,
      streams: device.streams.map((stream) => spyStream(stream, (event) => spied.distort(event))),
      controls: spyControls(device.controls, armed),
    };
  });
  onTestFinished(() => engine.destroy());
  return Object.assign(spied, { engine });
}
