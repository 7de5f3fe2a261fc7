/** Events of an engine, on eventemitter3. */
import { EventEmitter } from 'eventemitter3';
import type { Fallback } from '../scheduler/device.js';
import type { RunReport } from '../scheduler/outcome.js';
import { invalidOption } from './option-checks.js';

/** A run as events name it. */
export interface RunInfo {
  /** Counts the engine's runs from 1. */
  readonly run: number;
  /** Name of the executable. */
  readonly executable: string;
}

/** A compiled graph as its event describes it. */
export interface CompiledInfo {
  /** Name of the executable. */
  readonly executable: string;
  /** Kernel and host nodes. */
  readonly nodesTotal: number;
  /** Streams that one run takes. */
  readonly streams: number;
  /** Nodes that run on another device's kernels, usually slower ones, because this device lacks theirs. */
  readonly fallbacks: readonly Fallback[];
}

/** Events by name, with what listeners are called with. */
export interface EngineEvents {
  /** A graph was compiled; `compile()` resolves next. */
  'executable:compiled': [info: CompiledInfo];
  /** A run was accepted: its call was right, and there was room in the queue. Every such run settles. */
  'run:queued': [info: RunInfo];
  /** A run got its slot and was handed to its streams. */
  'run:dispatched': [info: RunInfo];
  /** A run has settled, whatever its outcome. */
  'run:settled': [report: RunReport];
  /** A stream died, or was retired because its heap was full, and is being replaced. */
  'stream:replaced': [info: { readonly stream: number; readonly reason: Error }];
}

const EVENT_NAMES: { readonly [Name in keyof EngineEvents]: true } = {
  'executable:compiled': true,
  'run:queued': true,
  'run:dispatched': true,
  'run:settled': true,
  'stream:replaced': true,
};

function checkListener(name: unknown, listener: unknown): void {
  if (typeof name !== 'string' || !Object.hasOwn(EVENT_NAMES, name)) {
    throw invalidOption('event', Object.keys(EVENT_NAMES).join(', '), name);
  }
  if (typeof listener !== 'function') throw invalidOption(`listener of ${name}`, 'a function', listener);
}

/**
 * Emits. An exception in a listener surfaces as an uncaught exception, after the listeners behind it have been called; it
 * never changes a run.
 */
export class EngineEmitter extends EventEmitter<EngineEvents> {
  /** @throws INVALID_OPTION for an event that is none, and a listener that is no function */
  override on<Name extends keyof EngineEvents>(
    name: Name,
    listener: EventEmitter.EventListener<EngineEvents, Name>,
  ): this {
    checkListener(name, listener);
    return super.on(name, listener);
  }

  /** @throws INVALID_OPTION for an event that is none, and a listener that is no function */
  override off<Name extends keyof EngineEvents>(
    name: Name,
    listener?: EventEmitter.EventListener<EngineEvents, Name>,
  ): this {
    // Without this check, eventemitter3 would take a missing listener for all of them.
    checkListener(name, listener);
    return super.off(name, listener);
  }

  override emit<Name extends keyof EngineEvents>(name: Name, ...args: EngineEvents[Name]): boolean {
    if (this.listenerCount(name) === 0) return false;
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
    return true;
  }
}
