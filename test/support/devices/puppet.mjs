/**
 * The wasm device on strings: at a node that the test names, a kernel pauses, throws, dies or traps. What to do is in
 * shared memory, laid out as `../puppet.ts` says, so the test decides while runs are in flight.
 */
import { createKernelBackend as createWasmBackend } from '../../../dist/kernels/wasm/backend.js';

const CELL_WORDS = 4;
const FIRST_CELL = 1;
const LOADING = 1 << 16;
const [EXECUTED, TARGET, ACTION, REACHED, GATE] = [0, 0, 1, 2, 3];

/** Traps: a function whose body is `unreachable`. */
const TRAP = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 7, 5, 1, 1, 102, 0, 0, 10, 5, 1, 3, 0, 0, 11,
]);

function misshape(values, output) {
  const tensor = values[output];
  values[output] = { ...tensor, shape: [...tensor.shape, 1] };
}

/** Each takes the shared words, the index of its cell, the value table and the place of the node's first output. */
const ACTIONS = {
  pause(words, cell) {
    while (Atomics.load(words, cell + GATE) === 0) Atomics.wait(words, cell + GATE, 0);
  },
  throw() {
    throw new Error('the puppet was told to throw');
  },
  exit() {
    process.exit(3);
  },
  trap() {
    new WebAssembly.Instance(new WebAssembly.Module(TRAP)).exports.f();
  },
  uncaught() {
    setImmediate(() => {
      throw new Error('the puppet was told to throw where nobody catches');
    });
  },
  misshape(_words, _cell, values, output) {
    misshape(values, output);
  },
};
const ACTION_NAMES = Object.keys(ACTIONS);

/** The cell armed for this node, disarmed by whoever finds it first. */
function takeCell(words, number) {
  for (let cell = FIRST_CELL; cell < words.length; cell += CELL_WORDS) {
    if (Atomics.compareExchange(words, cell + TARGET, number, -1) === number) return cell;
  }
  return undefined;
}

function act(words, number, values, output) {
  const cell = takeCell(words, number);
  if (cell === undefined) return;
  const action = ACTION_NAMES[Atomics.load(words, cell + ACTION)];
  Atomics.store(words, cell + REACHED, 1);
  ACTIONS[action](words, cell, values, output);
}

function pull(backend, words) {
  const prepare = backend.prepare.bind(backend);
  backend.prepare = (node) => {
    const number = Number(/\d+$/.exec(node.name)?.[0] ?? -2);
    act(words, number + LOADING);
    const prepared = prepare(node);
    const run = (values) => {
      prepared.run(values);
      Atomics.add(words, EXECUTED, 1);
      act(words, number, values, node.outputs[0]);
    };
    return { ...prepared, run };
  };
  return backend;
}

export async function createKernelBackend(options) {
  return pull(await createWasmBackend(options), new Int32Array(options.device.strings));
}
