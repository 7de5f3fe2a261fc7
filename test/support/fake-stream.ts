/** A stream that executes nothing: a test says whether it serves, and sees what it was sent. */
import type { DeviceStream, Fallback, StreamMemory } from '../../scheduler/device.js';
import type { StreamProgram } from '../../scheduler/program.js';
import type { Leaving, ProgramKey } from '../../scheduler/stream.js';

export class FakeStream implements DeviceStream {
  readonly index: number;
  available = true;
  broken: Error | undefined;
  readonly replaced = 0;
  readonly abandonedThreads = 0;
  readonly loaded = new Map<ProgramKey, StreamProgram>();
  /** What `load` does with a program it was given; may throw. */
  onLoad: (program: StreamProgram) => readonly Fallback[] = () => [];

  constructor(index: number) {
    this.index = index;
  }

  break(): void {
    this.available = false;
    this.broken = new Error(`stream ${this.index} broke`);
  }

  async load(key: ProgramKey, program: StreamProgram): Promise<readonly Fallback[]> {
    if (this.broken !== undefined) throw this.broken;
    this.loaded.set(key, program);
    await undefined;
    return this.onLoad(program);
  }

  unload(key: ProgramKey): void {
    this.loaded.delete(key);
  }

  open(): void {
    throw new Error('nothing is executed');
  }

  submit(): void {
    throw new Error('nothing is executed');
  }

  close(): Leaving {
    throw new Error('nothing is executed');
  }

  evict(): Promise<void> {
    throw new Error('nothing is executed');
  }

  setExchange(): void {}

  memory(): StreamMemory {
    return { liveBytes: 0, peakBytes: 0, constantBytes: 0 };
  }

  takeBack(): void {}

  abandon(): void {}
}

/** Streams 0 to `count` − 1. */
export function fakeStreams(count: number): readonly FakeStream[] {
  return Array.from({ length: count }, (_, index) => new FakeStream(index));
}
