/** The simulated device's queue as a stream's thread sees it: submitting, waiting and reading take virtual time. */
import type { SlotIndex } from '../../scheduler/stream.js';
import type { Fences, Mark, WorkQueue } from '../../scheduler/work-queue.js';
import type { DeviceQueue, QueuedWork } from './device-queue.js';
import type { DeviceProfile } from './profiles.js';

/** What the queue needs of the thread that submits to it. */
export interface QueueThread {
  /** The slot whose run the thread works on. */
  readonly slot: SlotIndex | undefined;
  /** Calls back after a virtual while, unless the thread has ended. */
  after(ms: number, callback: () => void): void;
  nowMs(): number;
}

export class VirtualQueue implements WorkQueue {
  readonly #device: DeviceQueue;
  readonly #profile: DeviceProfile;
  readonly #thread: QueueThread;
  #prepared: QueuedWork[] = [];
  /** Place up to which a wait has shown that the work is over: until then nobody may read what it makes. */
  #passed = 0;

  constructor(device: DeviceQueue, profile: DeviceProfile, thread: QueueThread) {
    this.#device = device;
    this.#profile = profile;
    this.#thread = thread;
  }

  get fences(): Fences {
    return this.#profile.fences;
  }

  /** Work to be submitted next. */
  prepare(work: QueuedWork): void {
    this.#prepared.push(work);
  }

  /** Submits what was prepared at once, whatever room there is. */
  flush(): Mark {
    for (const [index, work] of this.#prepared.splice(0).entries())
      this.#device.submit(work, this.#thread.slot, index === 0 ? this.#profile.startMs : 0);
    return this.#device.last as Mark;
  }

  /** Work that goes to the device later gets its place in the queue then; what is in front of it is known. */
  submit(mayDefer = false): Promise<Mark> {
    const { encodeMs = 0, batch = 1 } = this.#profile;
    const isDeferred = mayDefer && this.#prepared.length < batch;
    return new Promise((resolve) => {
      if (isDeferred)
        this.#thread.after(encodeMs, () => resolve((this.#device.last + this.#prepared.length) as Mark));
      else this.#hand(encodeMs, resolve);
    });
  }

  #hand(encodeMs: number, resolve: (mark: Mark) => void): void {
    this.#thread.after(encodeMs + this.#profile.submitMs, () =>
      this.#device.whenRoom(() => resolve(this.flush())),
    );
  }

  /** Who finds a mark reached may read what the work up to it has made, as after a wait. */
  reached(mark: Mark): boolean {
    if (this.#device.hasError(mark)) return false;
    if (this.fences === 'each' && mark <= this.#device.done) this.#passed = Math.max(this.#passed, mark);
    return mark <= this.#passed;
  }

  async wait(mark: Mark): Promise<boolean> {
    if (mark > this.#device.last) await new Promise<Mark>((resolve) => this.#hand(0, resolve));
    return this.#await(mark);
  }

  #await(mark: Mark): Promise<boolean> {
    const target = this.fences === 'each' ? mark : this.#device.last;
    return new Promise((resolve, reject) => {
      const pass = (waited: boolean) => {
        this.#passed = Math.max(this.#passed, target);
        const error = this.#device.takeError(target);
        if (error === undefined) resolve(waited);
        else reject(error);
      };
      if (this.#device.done >= target) this.#thread.after(this.#profile.pollMs, () => pass(false));
      else {
        const sinceMs = this.#thread.nowMs();
        this.#device.whenDone(target, () =>
          this.#thread.after(this.#fenceMs(this.#thread.nowMs() - sinceMs), () => pass(true)),
        );
      }
    });
  }

  #fenceMs(waitedMs: number): number {
    const { fenceMs, spinMs = Number.POSITIVE_INFINITY, pausedFenceMs = fenceMs } = this.#profile;
    return waitedMs < spinMs ? fenceMs : pausedFenceMs;
  }

  /** Whether a wait has shown that the work is over. */
  isPassed(work: QueuedWork): boolean {
    return work.place > 0 && work.place <= this.#passed;
  }

  /** A copy to the host: on a device whose every wait drains, after all that was submitted. */
  copyOut(bytes: number): Promise<void> {
    const { copyLatencyMs, copyBytesPerMs } = this.#profile;
    const ready = this.fences === 'each' ? 0 : this.#device.last;
    return new Promise((resolve) => {
      this.#device.whenDone(ready, () => {
        this.#passed = Math.max(this.#passed, ready);
        this.#thread.after(copyLatencyMs + bytes / copyBytesPerMs, resolve);
      });
    });
  }
}
