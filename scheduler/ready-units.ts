/** Which units of a plan can be dispatched: those whose prerequisites have all happened. */
import { invariant } from './errors.js';
import type { NodeId } from './graph.js';
import type { Plan, Unit } from './plan.js';

export class ReadyUnits {
  readonly #plan: Plan;
  readonly #pending: Int32Array;
  readonly #ready: number[] = [];

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#pending = plan.pending.slice();
    for (const [unit, count] of this.#pending.entries()) if (count === 0) this.#ready.push(unit);
  }

  get isEmpty(): boolean {
    return this.#ready.length === 0;
  }

  /** Takes the next unit. */
  take(): Unit {
    return this.#plan.units[this.#ready.shift()!]!;
  }

  /** The first node of the next unit, `undefined` when none is ready. */
  get nextNode(): NodeId | undefined {
    const unit = this.#plan.units[this.#ready[0] ?? -1];
    if (unit === undefined) return undefined;
    return unit.kind === 'host' ? unit.node.id : unit.nodes[0]!;
  }

  /** A node has finished. */
  onNode(node: NodeId): void {
    for (const unit of this.#plan.afterNode.get(node) ?? []) this.#satisfy(unit);
  }

  /** A unit was submitted. */
  onSubmission(unit: number): void {
    for (const next of this.#plan.afterSubmission[unit]!) this.#satisfy(next);
  }

  #satisfy(unit: number): void {
    this.#pending[unit]!--;
    invariant(this.#pending[unit]! >= 0, `unit ${unit} waits for no more than its prerequisites`);
    if (this.#pending[unit] === 0) this.#ready.push(unit);
  }
}
