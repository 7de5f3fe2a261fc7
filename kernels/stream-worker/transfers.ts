/** How values reach a stream and leave it: through a slot's exchange buffer, and in buffers handed to the main thread. */
import { curfewError, invariant } from '../../scheduler/errors.js';
import type { DeviceTensor, KernelBackend } from '../../scheduler/kernel.js';
import type { ExchangeEntry } from '../../scheduler/program.js';
import type { PreparedExport, PreparedExports, StepCopy } from '../../scheduler/segment-execution.js';
import type { ExportedValue, SlotIndex } from '../../scheduler/stream.js';
import { byteLength, formatSpec, sameShape, type TensorSpec } from '../../scheduler/tensor.js';
import { RECORD_KIND, type RecordKind } from '../../scheduler/timeline-record.js';
import { blame } from './blame.js';
import type { FromStream } from './protocol.js';
import type { StreamRunState } from './stream-run.js';

/** What transfers need of their stream. */
export interface TransferHost {
  readonly backend: KernelBackend;
  post(message: FromStream, transfer: ArrayBuffer[]): void;
}

/** The values a step copies out must be what the graph promises, or readers would see other bytes. */
function checkProduced(node: string, produced: TensorSpec | undefined, promised: TensorSpec): void {
  const matches =
    produced !== undefined && produced.dtype === promised.dtype && sameShape(produced.shape, promised.shape);
  if (matches) return;
  throw wrongProduct(node, formatSpec(promised), produced === undefined ? 'nothing' : formatSpec(produced));
}

function wrongProduct(node: string, expected: string, received: string) {
  const message = `node "${node}": expected ${expected}, the kernel produced ${received}`;
  return curfewError('KERNEL_FAILED', message, { node, expected, received });
}

export class Transfers {
  readonly #host: TransferHost;
  readonly #exchanges = new Map<SlotIndex, SharedArrayBuffer>();

  constructor(host: TransferHost) {
    this.#host = host;
  }

  /** The buffer of a slot; or none. */
  setExchange(slot: SlotIndex, buffer: SharedArrayBuffer | undefined): void {
    if (buffer === undefined) this.#exchanges.delete(slot);
    else this.#exchanges.set(slot, buffer);
  }

  #exchange(slot: SlotIndex, spec: TensorSpec, byteOffset: number): Uint8Array {
    const bytes = byteLength(spec);
    if (bytes === 0) return new Uint8Array(0);
    const buffer = this.#exchanges.get(slot);
    invariant(buffer !== undefined, `slot ${slot} has an exchange buffer before a segment uses it`);
    return new Uint8Array(buffer, byteOffset, bytes);
  }

  /** Brings a value in. @throws what the backend throws, with the name of the node that made the value */
  copyIn(run: StreamRunState, { value, name, spec, byteOffset }: ExchangeEntry): void {
    const bytes = this.#exchange(run.slot, spec, byteOffset);
    const startMs = this.#timeline(run)?.nowMs() ?? 0;
    try {
      run.values[value] = this.#host.backend.upload(spec, bytes);
    } catch (error) {
      throw blame(error, name);
    }
    this.#record(run, RECORD_KIND.copyIn, value, startMs, bytes.byteLength);
  }

  /** Begins to copy out what others need of a step that is over. */
  copyOut(run: StreamRunState, step: number, { awaited, values }: PreparedExports): StepCopy {
    const { node, name, completes } = run.list.steps[step]!;
    const startMs = this.#timeline(run)?.nowMs() ?? 0;
    const outputs: ExportedValue[] = [];
    return {
      tensor: ({ value, spec }) => {
        const tensor = run.values[value];
        checkProduced(name, tensor, spec);
        return tensor as DeviceTensor;
      },
      take: (value, bytes) => {
        const output = this.#take(run, name, value, bytes);
        if (output !== undefined) outputs.push(output);
      },
      end: () => {
        const bytes = values.reduce((sum, { spec }) => sum + byteLength(spec), 0);
        this.#record(run, RECORD_KIND.copyOut, node, startMs, bytes);
        if (awaited) this.#tell(run.slot, completes, outputs);
        else run.outputs.push(...outputs);
      },
    };
  }

  #take(
    run: StreamRunState,
    node: string,
    { value, spec, byteOffset, toMain }: PreparedExport,
    bytes: Uint8Array,
  ): ExportedValue | undefined {
    // A spec that lies about its bytes would make readers see what is behind them, or stale ones.
    if (!(bytes instanceof Uint8Array)) throw wrongProduct(node, 'a Uint8Array', 'something else');
    if (bytes.byteLength !== byteLength(spec))
      throw wrongProduct(
        node,
        `${byteLength(spec)} bytes of ${formatSpec(spec)}`,
        `${bytes.byteLength} bytes`,
      );
    if (byteOffset !== undefined) this.#exchange(run.slot, spec, byteOffset).set(bytes);
    return toMain ? { value, buffer: new Uint8Array(bytes).buffer } : undefined;
  }

  #tell(slot: SlotIndex, nodes: PreparedNodes, outputs: readonly ExportedValue[]): void {
    const transfer = outputs.map(({ buffer }) => buffer);
    this.#host.post({ type: 'nodes', slot, nodes, outputs }, transfer);
  }

  /** A device that times its work times the copies as well. */
  #timeline(run: StreamRunState) {
    const { backend } = this.#host;
    return 'timeWork' in backend && backend.timeWork !== undefined ? undefined : run.timeline;
  }

  #record(run: StreamRunState, kind: RecordKind, id: number, startMs: number, bytes: number): void {
    this.#timeline(run)?.span(kind, id, startMs, bytes);
  }
}

type PreparedNodes = (FromStream & { type: 'nodes' })['nodes'];
