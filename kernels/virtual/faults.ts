/** Which faults hit which node, and how often they still do. */
import type { VirtualFault } from './options.js';

type NodeFaultKind = 'kernel-error' | 'submit-error' | 'slow-kernel';
type NodeFault = Extract<VirtualFault, { node: string }>;

/** The faults of a device that hit nodes. Shared by its streams: `times` counts over all of them. */
export class NodeFaults {
  readonly #left: { readonly fault: NodeFault; times: number }[];

  constructor(faults: readonly VirtualFault[]) {
    this.#left = faults
      .filter((fault): fault is NodeFault => 'node' in fault)
      .map((fault) => ({ fault, times: fault.times ?? 1 }));
  }

  /** The fault of this kind that hits the node now, used up once. */
  take<Kind extends NodeFaultKind>(
    kind: Kind,
    node: string,
  ): Extract<VirtualFault, { kind: Kind }> | undefined {
    const found = this.#left.find(
      ({ fault, times }) => fault.kind === kind && fault.node === node && times > 0,
    );
    if (found === undefined) return undefined;
    found.times--;
    return found.fault as Extract<VirtualFault, { kind: Kind }>;
  }
}
