/** Checks what a device module has made, before anything is asked of it: a mistake there would look like another one later. */
import { curfewError, quote } from '../../scheduler/errors.js';
import type { KernelBackend } from '../../scheduler/kernel.js';
import { peek } from '../../scheduler/quote.js';

function refuse(what: string, expected: string, received: unknown): never {
  const message = `${what}: expected ${expected}, received ${quote(received)}`;
  throw curfewError('DEVICE_UNAVAILABLE', message, { expected, received: quote(received) });
}

function checkMethods(owner: unknown, what: string, methods: readonly string[]): void {
  for (const name of methods) {
    const method = peek(owner, name);
    if (typeof method !== 'function') refuse(`${what}.${name}`, 'a function', method);
  }
}

function checkQueue(queue: unknown): void {
  const fences = peek(queue, 'fences');
  if (fences !== 'each' && fences !== 'all') refuse('backend.queue.fences', "'each' or 'all'", fences);
  checkMethods(queue, 'backend.queue', ['submit', 'reached', 'wait']);
}

/**
 * @param module how messages name the module
 * @param parks whether the module says that its threads must park
 * @throws DEVICE_UNAVAILABLE
 */
export function checkBackend(backend: unknown, module: string, parks: boolean): KernelBackend {
  if (typeof backend !== 'object' || backend === null)
    refuse(`createKernelBackend of ${module}`, 'to return a backend', backend);
  const device = peek(backend, 'device');
  if (typeof device !== 'string') refuse('backend.device', 'a string', device);
  const hardware = peek(backend, 'hardware');
  if (hardware !== undefined && typeof hardware !== 'string')
    refuse('backend.hardware', 'a string', hardware);
  checkMethods(backend, 'backend', ['prepare', 'upload', 'read', 'release', 'close']);
  if (parks) checkMethods(backend, 'backend', ['park']);
  for (const name of ['liveBytes', 'peakBytes']) {
    const bytes = peek(peek(backend, 'memory'), name);
    if (typeof bytes !== 'number') refuse(`backend.memory.${name}`, 'a number of bytes', bytes);
  }
  const queue = peek(backend, 'queue');
  if (queue !== undefined) checkQueue(queue);
  const chunks = peek(backend, 'chunks');
  if (chunks !== undefined) checkMethods(chunks, 'backend.chunks', ['record', 'compile']);
  return backend as KernelBackend;
}
