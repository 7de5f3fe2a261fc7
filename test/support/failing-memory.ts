/** A host that has no memory for the main thread's buffers when a test says so. */

/** What is allocated: shared memory, or a buffer of this thread's own. */
export type AllocationKind = 'SharedArrayBuffer' | 'ArrayBuffer';

/** Decides whether an allocation fails. */
export type Refuse = (kind: AllocationKind, bytes: number) => boolean;

function failing(kind: AllocationKind, refuse: Refuse): unknown {
  return new Proxy(globalThis[kind], {
    construct: (target, args, newTarget) => {
      if (refuse(kind, Number(args[0]))) throw new RangeError('Array buffer allocation failed');
      return Reflect.construct(target, args, newTarget);
    },
  });
}

/** Has allocations in this realm fail where `refuse` says so. The function returned ends it. */
export function refuseMemory(refuse: Refuse): () => void {
  const whole = { SharedArrayBuffer: globalThis.SharedArrayBuffer, ArrayBuffer: globalThis.ArrayBuffer };
  Object.assign(globalThis, {
    SharedArrayBuffer: failing('SharedArrayBuffer', refuse),
    ArrayBuffer: failing('ArrayBuffer', refuse),
  });
  return () => {
    Object.assign(globalThis, whole);
  };
}
