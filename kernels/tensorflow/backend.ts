/** TensorFlow's kernels, as `@tensorflow/tfjs-node-gpu` calls them: CUDA where a GPU is there, oneDNN on the CPU otherwise. */
import { curfewError, quote } from '../../scheduler/errors.js';
import type {
  BackendMemory,
  BackendOptions,
  ChunkCompiler,
  DeviceTensor,
  KernelBackend,
  Preparation,
  PreparedNode,
  ProgramNode,
} from '../../scheduler/kernel.js';
import { messageOf } from '../../scheduler/quote.js';
import { bytesOf, type TensorSpec } from '../../scheduler/tensor.js';
import { loadAddon } from './addon.js';
import { withCheckedValues } from './checked-node.js';
import { TensorFlowChunks } from './chunks/chunk-compiler.js';
import { removeLeftovers } from './chunks/chunk-folders.js';
import { CountedBinding } from './counted-binding.js';
import { prepareCpuNode } from './cpu-node.js';
import { prepareEmptyNode } from './empty-node.js';
import { FOLDER_VARIABLE, findInstallation, type Installation } from './installation.js';
import type { TensorFlowThreadOptions } from './options.js';
import { ownKernel } from './own-kernels.js';
import { ReadFence } from './read-fence.js';
import { prepareStockNode } from './stock-node.js';
import { loadStockPackage, type StockPackage } from './stock-package.js';
import { isSameOnTensorFlow } from './support.js';
import { makeTensor, type TensorFlowTensor } from './tensor.js';

class TensorFlowBackend {
  readonly device = 'tensorflow';
  readonly memory: Readonly<BackendMemory>;
  /** Only where calls return before their work is done. */
  readonly queue: ReadFence | undefined;
  readonly chunks: ChunkCompiler;
  readonly #binding: CountedBinding;
  readonly #stock: StockPackage;

  constructor(binding: CountedBinding, stock: StockPackage, queue: ReadFence | undefined, token: string) {
    this.memory = binding.memory;
    this.#binding = binding;
    this.#stock = stock;
    this.queue = queue;
    this.chunks = new TensorFlowChunks(binding, (node) => this.prepare(node).run, token);
  }

  prepare(node: ProgramNode): Preparation {
    const own = this.#prepareOnTensorFlow(node);
    if (own !== undefined) return { run: this.#counted(withCheckedValues(node, this.#binding, own)) };
    const run = prepareCpuNode(node, this.#binding);
    if (run !== undefined) return { run: this.#counted(run), fallback: 'cpu' };
    throw curfewError(
      'UNSUPPORTED_OP',
      `node "${node.name}": expected an op with a tensorflow or cpu kernel, received ${quote(node.op)}`,
      { node: node.name, received: node.op },
    );
  }

  #prepareOnTensorFlow(node: ProgramNode): PreparedNode | undefined {
    const kernel = this.#stock.kernel(node.op);
    if (kernel === undefined) return undefined;
    const empty = prepareEmptyNode(node, this.#binding);
    if (empty !== undefined || !isSameOnTensorFlow(node)) return empty;
    const stock = this.#stock;
    return prepareStockNode(ownKernel(node, stock) ?? kernel, node, stock, this.#binding);
  }

  /** Tells the queue of the work. */
  #counted(run: PreparedNode): PreparedNode {
    const { queue } = this;
    if (queue === undefined) return run;
    return (values) => {
      queue.worked();
      run(values);
    };
  }

  upload(spec: TensorSpec, bytes: Uint8Array): DeviceTensor {
    this.queue?.worked();
    return makeTensor(this.#binding, spec, bytes);
  }

  read(tensor: DeviceTensor): Uint8Array {
    return bytesOf(this.#binding.tensorDataSync((tensor as TensorFlowTensor).id));
  }

  release(tensor: DeviceTensor): void {
    this.#binding.deleteTensor((tensor as TensorFlowTensor).id);
  }

  close(): void {
    this.#binding.deleteAll();
    this.queue?.close();
  }
}

function installed(): Installation {
  const installation = findInstallation();
  if (installation !== undefined) return installation;
  const named = process.env[FOLDER_VARIABLE];
  if (named !== undefined && named !== '')
    throw curfewError(
      'DEVICE_UNAVAILABLE',
      `device: 'tensorflow' has no installation in ${FOLDER_VARIABLE}, ${quote(named)}`,
    );
  throw curfewError(
    'DEVICE_UNAVAILABLE',
    "device: 'tensorflow' has not been set up here; run `npx curfew setup tensorflow` (in Curfew's own checkout `npm run setup:tensorflow`)",
  );
}

/**
 * Creates a backend. TensorFlow's context is the thread's, and so are its tensors.
 *
 * @throws DEVICE_UNAVAILABLE before the set-up, and when TensorFlow cannot be loaded; UNSUPPORTED_OPTION for more than one
 *   thread
 */
export function createKernelBackend(options: BackendOptions): KernelBackend {
  const { threads, memoryLimitBytes } = options;
  if (threads > 1) {
    const expected = "expected 1, as the process's environment (TF_NUM_INTRAOP_THREADS) sets TensorFlow's";
    throw curfewError('UNSUPPORTED_OPTION', `threads: ${expected}, received ${threads}`, {
      expected: 1,
      received: threads,
    });
  }
  const installation = installed();
  try {
    const addon = loadAddon(installation.addon);
    const binding = new CountedBinding(addon, memoryLimitBytes);
    removeLeftovers();
    const stock = loadStockPackage(installation.packageFolder, binding);
    const { queueing = addon.isUsingGpuDevice(), token = 'x' } = (options.device ??
      {}) as TensorFlowThreadOptions;
    return new TensorFlowBackend(
      binding,
      stock,
      queueing ? new ReadFence(addon) : undefined,
      token,
    ) as KernelBackend;
  } catch (cause) {
    throw curfewError('DEVICE_UNAVAILABLE', `tensorflow: could not be loaded: ${messageOf(cause)}`, {
      cause,
    });
  }
}
