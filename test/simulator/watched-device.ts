/** Stands between the engine and a device, and tells a monitor what passes. Breaks of the streams' contract are violations. */
import type { ControlWord } from '../../scheduler/cancellation.js';
import type { Device, DeviceStream, Fallback, RunControls, StreamMemory } from '../../scheduler/device.js';
import type { StreamProgram } from '../../scheduler/program.js';
import type { Leaving, ProgramKey, SlotIndex, StreamEvent, StreamRun } from '../../scheduler/stream.js';
import type { Monitor } from './monitor.js';
import type { WatchedRun } from './watched-run.js';

/** A run as one stream knows it. */
interface OpenRun {
  readonly run: WatchedRun;
  /** Segments submitted and not ended. */
  readonly inFlight: Set<number>;
  lost: boolean;
  closed: boolean;
}

class WatchedStream implements DeviceStream {
  readonly #stream: DeviceStream;
  readonly #monitor: Monitor;
  readonly #open = new Map<SlotIndex, OpenRun>();

  constructor(stream: DeviceStream, monitor: Monitor) {
    this.#stream = stream;
    this.#monitor = monitor;
  }

  get index(): number {
    return this.#stream.index;
  }

  get available(): boolean {
    return this.#stream.available;
  }

  get broken(): Error | undefined {
    return this.#stream.broken;
  }

  get replaced(): number {
    return this.#stream.replaced;
  }

  get abandonedThreads(): number {
    return this.#stream.abandonedThreads;
  }

  memory(): StreamMemory {
    return this.#stream.memory();
  }

  load(key: ProgramKey, program: StreamProgram, constants: SharedArrayBuffer): Promise<readonly Fallback[]> {
    return this.#stream.load(key, program, constants);
  }

  unload(key: ProgramKey): void {
    this.#stream.unload(key);
  }

  setExchange(slot: SlotIndex, buffer: SharedArrayBuffer | undefined): void {
    this.#stream.setExchange(slot, buffer);
  }

  takeBack(slot: SlotIndex): void {
    this.#stream.takeBack(slot);
  }

  abandon(slot: SlotIndex, reason: Error): void {
    this.#monitor.note(`stream ${this.index} abandoned`);
    this.#stream.abandon(slot, reason);
  }

  open(streamRun: StreamRun): void {
    const run = this.#monitor.runIn(streamRun.slot);
    if (run === undefined || this.#open.has(streamRun.slot)) {
      this.#monitor.violate(`slot ${streamRun.slot} is opened once, for a run that has it`);
    } else {
      run.streams.add(this.index);
      this.#open.set(streamRun.slot, { run, inFlight: new Set(), lost: false, closed: false });
    }
    const onEvent = (event: StreamEvent) => {
      this.#onEvent(streamRun.slot, event);
      streamRun.onEvent(event);
    };
    this.#stream.open({ ...streamRun, onEvent });
  }

  submit(slot: SlotIndex, segment: number): void {
    const open = this.#open.get(slot);
    if (open === undefined || open.closed || open.lost) {
      this.#monitor.violate(
        `slot ${slot} is open on stream ${this.index} when segment ${segment} is submitted`,
      );
    } else {
      this.#monitor.onUnit(open.run, `segment ${segment} on stream ${this.index}`);
      if (open.inFlight.has(segment)) this.#monitor.violate(`${open.run.name}: segment ${segment} twice`);
      open.inFlight.add(segment);
    }
    this.#stream.submit(slot, segment);
  }

  evict(slot: SlotIndex, reason: Error): Promise<void> {
    this.#monitor.violate(`slot ${slot} is evicted from stream ${this.index}: ${reason.message}`);
    return this.#stream.evict(slot, reason);
  }

  close(slot: SlotIndex, clean: boolean): Leaving {
    const open = this.#open.get(slot);
    const what = `slot ${slot} on stream ${this.index}`;
    if (open === undefined || open.closed) this.#monitor.violate(`${what} is closed once`);
    else if (open.inFlight.size > 0) this.#monitor.violate(`${what} is closed after its segments have ended`);
    else if (clean && open.lost) this.#monitor.violate(`${what} is lost, not clean`);
    if (open !== undefined) open.closed = true;
    const leaving = this.#stream.close(slot, clean);
    // A clean slot is free at once: the next run may take it within this call.
    if (clean) {
      this.#open.delete(slot);
      return leaving;
    }
    if (open !== undefined) open.run.leaving++;
    const done = leaving.done.then(() => {
      this.#open.delete(slot);
      if (open !== undefined) open.run.leaving--;
    });
    return { ...leaving, done };
  }

  #onEvent(slot: SlotIndex, event: StreamEvent): void {
    const open = this.#open.get(slot);
    if (open === undefined || open.closed || open.lost) {
      this.#monitor.violate(`slot ${slot} is open on stream ${this.index} when '${event.kind}' comes`);
      return;
    }
    this.#monitor.current = open.run;
    if (event.kind === 'lost') {
      open.lost = true;
      open.inFlight.clear();
      this.#monitor.onFailure(open.run, event.error.code);
    } else if (event.kind === 'segment') {
      if (!open.inFlight.delete(event.segment))
        this.#monitor.violate(`${open.run.name}: segment ${event.segment} ends once`);
      if (event.status === 'failed') this.#monitor.onFailure(open.run, event.error!.code);
    }
  }
}

class WatchedControls implements RunControls {
  readonly #controls: RunControls;
  readonly #monitor: Monitor;

  constructor(controls: RunControls, monitor: Monitor) {
    this.#controls = controls;
    this.#monitor = monitor;
  }

  begin(slot: SlotIndex): ControlWord {
    const control = this.#controls.begin(slot);
    this.#monitor.onBegin(slot, control);
    return control;
  }

  stop(slot: SlotIndex, state: number): boolean {
    return this.#controls.stop(slot, state);
  }

  setDeadline(slot: SlotIndex, atMs: number): void {
    this.#controls.setDeadline(slot, atMs);
  }

  end(slot: SlotIndex): void {
    this.#controls.end(slot);
    this.#monitor.onEnd(slot);
  }
}

/** The device, watched. */
export function watchDevice(device: Device, monitor: Monitor): Device {
  return {
    name: device.name,
    clock: device.clock,
    streams: device.streams.map((stream) => new WatchedStream(stream, monitor)),
    controls: new WatchedControls(device.controls, monitor),
    hasWatchdog: () => device.hasWatchdog(),
    close: () => device.close(),
  };
}
