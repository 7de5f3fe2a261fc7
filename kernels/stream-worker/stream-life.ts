/** Where the thread of a stream is in its life, and how it comes to an end. */
import type { CurfewError } from '../../scheduler/errors.js';
import type { ProgramKey } from '../../scheduler/stream.js';

/** A thread that was told to end, and why. */
export type ToldToEnd =
  /** It can do nothing more, and it was this program. */
  | { readonly kind: 'trapped-loading'; readonly key: ProgramKey }
  | { readonly kind: 'trapped-executing' }
  /** Its heap had grown to its limit. */
  | { readonly kind: 'retired' }
  /** A run had to be got rid of. */
  | { readonly kind: 'evicted' };

/** Why a thread is over. One that died has ended by itself. */
export type ThreadEnd = ToldToEnd | { readonly kind: 'died-idle' } | { readonly kind: 'died-executing' };

/**
 * The life of a stream's thread. `filled`: its heap has grown to its limit; it is ended when the runs on it have.
 * `ending`: it was told to end; its replacement waits for that, as it may still write to its runs' slots. One that is abandoned
 * parks before it writes anything.
 */
export type Life =
  | { readonly kind: 'starting' }
  | { readonly kind: 'ready' }
  | { readonly kind: 'filled' }
  | { readonly kind: 'ending'; readonly end: ToldToEnd; readonly reason: Error }
  | { readonly kind: 'broken'; readonly error: CurfewError }
  | { readonly kind: 'closed' };
