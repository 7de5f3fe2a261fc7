/** Devices that break the contract in one way each: the example, spoilt. */
import type { BackendOptions, DeviceTensor, Mark, PreparedNode, TimedWork } from '../../runtime/device.js';
import { ExampleBackend, type ExampleTensor } from '../example-device/device.js';

/** A device with one fault. */
export interface Mutant {
  readonly name: string;
  /** Part of the name of a check that finds it. */
  readonly foundBy: string;
  spoil(backend: ExampleBackend): void;
}

const mutants: Mutant[] = [];

function mutant(name: string, foundBy: string, spoil: Mutant['spoil']): void {
  mutants.push({ name, foundBy, spoil });
}

const bytesOf = (tensor: DeviceTensor): Uint8Array => (tensor as ExampleTensor).block.bytes;

/** Changes what the device's prepared nodes do. */
function wrapNodes(
  backend: ExampleBackend,
  wrap: (
    run: PreparedNode,
    outputs: readonly number[],
    inputs: readonly number[],
  ) => (values: unknown[]) => unknown,
): void {
  const prepare = backend.prepare.bind(backend);
  backend.prepare = (node) => {
    const { run } = prepare(node);
    return { run: wrap(run, node.outputs, node.inputs) as PreparedNode };
  };
}

mutant('every mark is reached', 'a value can be read as soon as', ({ queue }) => {
  queue.reached = () => true;
});
mutant('every mark is reached', 'a mark is not reached before its work', ({ queue }) => {
  queue.reached = () => true;
});
mutant('no mark is ever reached', 'a wait reaches its mark', ({ queue }) => {
  queue.reached = () => false;
});
mutant('a wait ends early', 'a wait reaches its mark', ({ queue }) => {
  queue.wait = async () => true;
});
mutant('a wait says that it waited when it did not', 'a wait reaches its mark', ({ queue }) => {
  const wait = queue.wait.bind(queue);
  queue.wait = async (mark) => (await wait(mark)) || true;
});
mutant('a wait says that it did not wait when it did', 'says that it waited', ({ queue }) => {
  const wait = queue.wait.bind(queue);
  queue.wait = async (mark) => (await wait(mark)) && false;
});
mutant('a wait answers nothing', 'marks increase', ({ queue }) => {
  const wait = queue.wait.bind(queue);
  queue.wait = (async (mark: Mark) => void (await wait(mark))) as unknown as typeof wait;
});
mutant('marks go backwards', 'marks increase', ({ queue }) => {
  const { submit, wait, reached } = queue;
  queue.submit = () => -submit.call(queue) as Mark;
  queue.wait = (mark) => wait.call(queue, -mark as Mark);
  queue.reached = (mark) => reached.call(queue, -mark as Mark);
});
mutant('what may be deferred is never handed over', 'work that may be deferred', ({ queue }) => {
  const submit = queue.submit.bind(queue);
  let last = 0;
  queue.submit = ((mayDefer = false) => (mayDefer ? (++last as Mark) : submit())) as typeof queue.submit;
});
mutant('marks are no numbers', 'marks increase', ({ queue }) => {
  const submit = queue.submit.bind(queue);
  queue.submit = () => String(submit()) as unknown as Mark;
});
mutant("'each' that drains", 'leave later work in flight', ({ queue }) => {
  const wait = queue.wait.bind(queue);
  queue.wait = () => wait(queue.submit());
});
mutant("'all' that does not drain", 'drain everything', (backend) => {
  const { queue } = backend;
  const methods = ['prepare', 'submit', 'reached', 'wait', 'close', 'nowMs'] as const;
  const bound = methods.map((method) => [method, queue[method].bind(queue)]);
  Object.assign(backend, { queue: { ...Object.fromEntries(bound), fences: 'all' } });
});
mutant('failures are not told', 'thrown by a wait for its mark', ({ queue }) => {
  const wait = queue.wait.bind(queue);
  queue.wait = (mark) => wait(mark).catch(() => true);
});
mutant('a failure is told twice', 'thrown by a wait for its mark, once', ({ queue }) => {
  const wait = queue.wait.bind(queue);
  const again: unknown[] = [];
  queue.wait = async (mark) => {
    if (again.length > 0) throw again.pop();
    try {
      return await wait(mark);
    } catch (error) {
      again.push(error);
      throw error;
    }
  };
});
mutant('a failed mark counts as reached', 'while its failure is untold', ({ queue }) => {
  const reached = queue.reached.bind(queue);
  let turns = 0;
  queue.reached = (mark) => reached(mark) || ++turns > 50;
});
mutant('memory in use is freed', 'what is released in flight', (backend) => {
  const release = backend.release.bind(backend);
  backend.release = (tensor) => {
    release(tensor);
    if ((tensor as ExampleTensor).block.users === 0) bytesOf(tensor).fill(0);
  };
});
mutant('every third tensor leaks', 'fifty rounds', (backend) => {
  const release = backend.release.bind(backend);
  let releases = 0;
  backend.release = (tensor) => {
    if (++releases % 3 > 0) release(tensor);
  };
});
mutant('shared memory goes with the first tensor', 'what Reshape shares outlives its input', (backend) => {
  const release = backend.release.bind(backend);
  backend.release = (tensor) => {
    release(tensor);
    bytesOf(tensor).fill(0);
  };
});
mutant('shared memory is counted off twice', 'what Reshape shares', (backend) => {
  backend.release = (tensor) => {
    Object.assign(backend.memory, { liveBytes: backend.memory.liveBytes - bytesOf(tensor).byteLength });
  };
});
mutant('memory is not a number', 'what is alive is counted', ({ memory }) => {
  Object.defineProperty(memory, 'liveBytes', { get: () => Number.NaN, set: () => undefined });
});
mutant('the peak falls', 'what is alive is counted', ({ memory }) => {
  Object.defineProperty(memory, 'peakBytes', { get: () => memory.liveBytes, set: () => undefined });
});
mutant('an upload keeps the buffer', 'float32 of ranks 0 to 6', (backend) => {
  const upload = backend.upload.bind(backend);
  backend.upload = (spec, bytes) => {
    const tensor = upload(spec, bytes) as ExampleTensor;
    bytes.slice = () => bytes as Uint8Array<ArrayBuffer>;
    return { ...upload(spec, bytes), block: tensor.block, kept: bytes } as DeviceTensor;
  };
});
mutant('a node changes its input', 'Neg agrees with the reference', (backend) => {
  wrapNodes(backend, (run, outputs, inputs) => (values) => {
    run(values as DeviceTensor[]);
    const input = values[inputs[0]!] as ExampleTensor;
    const output = values[outputs[0]!] as ExampleTensor;
    const staged = output.block.bytes;
    Object.assign(output, { block: { users: 1, bytes: staged } });
    backend.queue.prepare({ execute: () => input.block.bytes.set(staged), onTime: undefined });
  });
});
mutant('a node takes its input out of the table', 'Neg agrees with the reference', (backend) => {
  wrapNodes(backend, (run, _outputs, inputs) => (values) => {
    run(values as DeviceTensor[]);
    values[inputs[0]!] = undefined;
  });
});
mutant('a node returns a promise', 'two value tables', (backend) => {
  wrapNodes(backend, (run) => async (values) => run(values as DeviceTensor[]));
});
mutant('a node gives another shape', 'Neg agrees with the reference', (backend) => {
  wrapNodes(backend, (run, outputs) => (values) => {
    run(values as DeviceTensor[]);
    const output = values[outputs[0]!] as ExampleTensor;
    values[outputs[0]!] = { ...output, shape: [...output.shape, 1] };
  });
});
mutant('a node gives no output', 'Neg agrees with the reference', (backend) => {
  wrapNodes(backend, () => () => undefined);
});
mutant('a refused allocation is counted', 'an upload beyond the limit', (backend) => {
  const upload = backend.upload.bind(backend);
  backend.upload = (spec, bytes) => {
    try {
      return upload(spec, bytes);
    } catch (error) {
      Object.assign(backend.memory, { liveBytes: backend.memory.liveBytes + 1, peakBytes: 1e9 });
      throw error;
    }
  };
});
mutant('a refusal has no code', 'a node beyond the limit', (backend) => {
  wrapNodes(backend, (run) => (values) => {
    try {
      run(values as DeviceTensor[]);
    } catch {
      throw new Error('no room');
    }
  });
});
mutant('what it lacks is no UNSUPPORTED_OP', 'UNSUPPORTED_OP', (backend) => {
  const prepare = backend.prepare.bind(backend);
  backend.prepare = (node) => {
    if (node.op === 'NoSuchOp') throw new Error('what is that?');
    return prepare(node);
  };
});
mutant('a read gives all of a larger buffer', 'float32 of ranks 0 to 6', (backend) => {
  const read = backend.read.bind(backend);
  backend.read = (tensor) => {
    const bytes = read(tensor);
    const larger = new Uint8Array(bytes.byteLength + 4);
    larger.set(bytes);
    return larger;
  };
});
mutant('a read promises in another class', 'float32 of ranks 0 to 6', (backend) => {
  const read = backend.read.bind(backend);
  backend.read = (tensor) =>
    // biome-ignore lint/suspicious/noThenProperty: a promise of another class is the mistake.
    ({ then: (resolve: (bytes: Uint8Array) => void) => resolve(read(tensor)) }) as unknown as Uint8Array;
});

/** Changes what the device tells of its work. */
function wrapTimes(
  backend: ExampleBackend,
  tell: (work: TimedWork, onWork: (work: TimedWork) => void) => void,
) {
  const timeWork = backend.timeWork.bind(backend);
  backend.timeWork = (onWork) => timeWork(onWork && ((work) => tell(work, onWork)));
}

mutant('reshapes are not told', 'each upload, node and read is told', (backend) => {
  let nodes = 0;
  wrapTimes(backend, (work, onWork) => {
    if (work.kind !== 'node' || ++nodes % 6 > 0) onWork(work);
  });
});
mutant('times are seconds', 'each upload, node and read is told', (backend) => {
  wrapTimes(backend, (work, onWork) =>
    onWork({ ...work, startMs: work.startMs / 1e3, endMs: work.endMs / 1e3 }),
  );
});
mutant('times are told late', 'each upload, node and read is told', (backend) => {
  const late: (() => void)[] = [];
  wrapTimes(backend, (work, onWork) => {
    late.push(() => onWork(work));
    // Three pieces of work later.
    if (late.length > 3) late.shift()!();
  });
});
mutant('times are told for ever', 'nothing is told any more', (backend) => {
  const timeWork = backend.timeWork.bind(backend);
  backend.timeWork = (onWork) => {
    if (onWork !== undefined) timeWork(onWork);
  };
});

mutant('the device is never idle', 'parking: a device is idle soon', (backend) => {
  Object.assign(backend, { park: () => false });
});

/** All of them. */
export const EXAMPLE_MUTANTS: readonly Mutant[] = mutants;

/** The example with this fault. */
export function createMutant({ spoil }: Mutant, options: BackendOptions): ExampleBackend {
  const backend = new ExampleBackend(options);
  spoil(backend);
  return backend;
}
