/** The programs of a stream, as the main thread keeps them: a replacement of the stream's thread is sent them again. */
import type { Fallback } from '../../scheduler/device.js';
import { type CurfewError, type ErrorRecord, fromErrorRecord, invariant } from '../../scheduler/errors.js';
import type { StreamProgram } from '../../scheduler/program.js';
import type { ProgramKey } from '../../scheduler/stream.js';
import type { ToStream } from './protocol.js';

/** A program that this many threads in a row died of, or trapped in, while they loaded it is not sent to another. */
const MAX_DEATHS = 2;

/** Where a program stands with the thread. A refused one fails the runs that need it, until a replacement takes it. */
type LoadState =
  | { readonly kind: 'sent' }
  | { readonly kind: 'loaded' }
  | { readonly kind: 'refused'; readonly error: ErrorRecord };

interface Entry {
  readonly program: StreamProgram;
  readonly constants: SharedArrayBuffer;
  state: LoadState;
  /** Threads that died of it, or trapped in it, since one has loaded it. */
  deaths: number;
  /** The caller who waits for the first load. */
  waiting: { resolve(fallbacks: readonly Fallback[]): void; reject(error: CurfewError): void } | undefined;
}

export class StreamPrograms {
  readonly #post: (message: ToStream) => void;
  readonly #entries = new Map<ProgramKey, Entry>();

  constructor(post: (message: ToStream) => void) {
    this.#post = post;
  }

  /** Whether a caller waits for a load. */
  get awaited(): boolean {
    return [...this.#entries.values()].some(({ waiting }) => waiting !== undefined);
  }

  /** Whether the thread has not answered for all it was sent. */
  get isLoading(): boolean {
    return [...this.#entries.values()].some(({ state }) => state.kind === 'sent');
  }

  get(key: ProgramKey): StreamProgram {
    const entry = this.#entries.get(key);
    invariant(entry !== undefined, `program ${key} is loaded while runs of it are open`);
    return entry.program;
  }

  /** Why the stream cannot execute the program at present. */
  refusal(key: ProgramKey): ErrorRecord | undefined {
    const state = this.#entries.get(key)?.state;
    return state?.kind === 'refused' ? state.error : undefined;
  }

  load(key: ProgramKey, program: StreamProgram, constants: SharedArrayBuffer): Promise<readonly Fallback[]> {
    return new Promise((resolve, reject) => {
      const waiting = { resolve, reject };
      this.#entries.set(key, { program, constants, state: { kind: 'sent' }, deaths: 0, waiting });
      this.#post({ type: 'load', key, program, constants });
    });
  }

  unload(key: ProgramKey): void {
    if (this.#entries.delete(key)) this.#post({ type: 'unload', key });
  }

  onLoaded(key: ProgramKey, fallbacks: readonly Fallback[]): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.state = { kind: 'loaded' };
    entry.deaths = 0;
    entry.waiting?.resolve(fallbacks);
    entry.waiting = undefined;
  }

  /** A first load that fails is over; one on a replacement fails the program's runs. */
  onRefused(key: ProgramKey, error: ErrorRecord): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    if (entry.waiting === undefined) {
      entry.state = { kind: 'refused', error };
      return;
    }
    this.unload(key);
    entry.waiting.reject(fromErrorRecord(error));
  }

  /** Sends everything to a replacement, what an earlier one refused included. */
  replay(): void {
    for (const [key, entry] of this.#entries) {
      if (entry.deaths >= MAX_DEATHS) continue;
      entry.state = { kind: 'sent' };
      this.#post({ type: 'load', key, program: entry.program, constants: entry.constants });
    }
  }

  /** A thread trapped in the program while it loaded it. */
  countDeath(key: ProgramKey): void {
    const entry = this.#entries.get(key);
    if (entry !== undefined) entry.deaths++;
  }

  /**
   * A thread died by itself while it executed no segment: of the first program that it has not answered for, if any, as it
   * loads them in order. That may be innocent, so it is tried again.
   */
  suspectFirst(lost: ErrorRecord): void {
    const found = [...this.#entries].find(([, { state }]) => state.kind === 'sent');
    if (found === undefined) return;
    const [key, entry] = found;
    entry.deaths++;
    if (entry.waiting !== undefined || entry.deaths >= MAX_DEATHS) this.onRefused(key, lost);
  }

  /** The stream is over. */
  lose(error: ErrorRecord): void {
    for (const key of [...this.#entries.keys()]) this.onRefused(key, error);
  }
}
