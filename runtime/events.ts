/** Events of an engine, on eventemitter3. */
import { EventEmitter } from 'eventemitter3';
import type { RunReport } from '../scheduler/outcome.js';

/** A run as events name it. */
export interface RunInfo {
  /** Counts the engine's runs from 1. */
  readonly run: number;
  /** Name of the executable. */
  readonly executable: string;
}

/** Events by name, with what listeners are called with. */
export interface EngineEvents {
  /** A run was accepted: its call was right, and there was room in the queue. Every such run settles. */
  'run:queued': [info: RunInfo];
  /** A run got its slot and was handed to its streams. */
  'run:dispatched': [info: RunInfo];
  /** A run has settled, whatever its outcome. */
  'run:settled': [report: RunReport];
  /** A stream died, or was retired because its heap was full, and is being replaced. */
  'stream:replaced': [info: { readonly stream: number; readonly reason: Error }];
}

/**
 * Emits. An exception in a listener surfaces as an uncaught exception, after the listeners behind it have been called; it
 * never changes a run.
 */
export class EngineEmitter extends EventEmitter<EngineEvents> {
  override emit<Name extends keyof EngineEvents>(name: Name, ...args: EngineEvents[Name]): boolean {
    const listeners = this.listeners(name) as readonly ((...args: EngineEvents[Name]) => void)[];
    for (const listener of listeners) {
      try {
        listener(...args);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
    return listeners.length > 0;
  }
}
