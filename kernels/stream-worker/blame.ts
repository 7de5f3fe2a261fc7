/** Whose fault an error is: turns what kernels and backends throw into errors that name a node. */
import { CurfewError, curfewError, type ErrorRecord, toErrorRecord } from '../../scheduler/errors.js';
import { messageOf, peek } from '../../scheduler/quote.js';

/** Errors stand in for the ones underneath them at most this deep. */
const MAX_CAUSES = 8;

/** The error with a node's name. What is no Curfew error becomes KERNEL_FAILED. */
export function blame(error: unknown, node: string): CurfewError {
  if (error instanceof CurfewError) {
    const { code, message, expected, received } = error;
    return curfewError(code, `node "${node}": ${message}`, { node, cause: error, expected, received });
  }
  return curfewError('KERNEL_FAILED', `node "${node}": ${messageOf(error)}`, { node, cause: error });
}

/** The same, but an error that names a node is left as it is. */
export function nameNode(error: unknown, node: string): CurfewError {
  return error instanceof CurfewError && error.node !== undefined ? error : blame(error, node);
}

/** The same as a record for another thread. */
export function blamedRecord(error: unknown, node: string | undefined): ErrorRecord {
  return toErrorRecord(nameNode(error, node ?? '(segment)'), 'KERNEL_FAILED', node);
}

/** Missing from the types of Node alone. */
const { RuntimeError } = Reflect.get(globalThis, 'WebAssembly') as { RuntimeError: new () => Error };

/** Those of another realm are known by the name of their class; an error that merely was given the name is none. */
function isRuntimeError(error: unknown): boolean {
  try {
    const isNamed = peek(error, 'name') === 'RuntimeError' && !Object.hasOwn(error as object, 'name');
    return error instanceof RuntimeError || isNamed;
  } catch {
    return false;
  }
}

function isLostDevice(error: unknown): boolean {
  return error instanceof CurfewError && peek(error, 'code') === 'DEVICE_LOST';
}

/**
 * Whether the thread can do nothing more: a WebAssembly trap is underneath, whose instance may be left in any state, or the
 * backend's device is lost.
 */
export function isTrap(error: unknown): boolean {
  let inner = error;
  for (let depth = 0; depth < MAX_CAUSES && inner !== undefined; depth++) {
    if (isRuntimeError(inner) || isLostDevice(inner)) return true;
    inner = peek(inner, 'cause');
  }
  return false;
}
