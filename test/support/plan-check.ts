/** Follows a plan without any device: who could run when, and which values are alive. */
import type { NodeId, ValueId } from '../../scheduler/graph.js';
import type { Plan } from '../../scheduler/plan.js';
import type { SegmentProgram, StreamProgram } from '../../scheduler/program.js';
import type { Random } from './random.js';

/** The mutable state of an imagined run of a plan. */
class PlanWalk {
  readonly #plan: Plan;
  readonly #pending: Int32Array;
  /** Submitted segments per lane, in order; they run one after the other. */
  readonly #queues: number[][];
  readonly #hosts: number[] = [];
  readonly nodes: NodeId[] = [];
  readonly segments: number[][];

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#pending = plan.pending.slice();
    this.#queues = plan.programs.map(() => []);
    this.segments = plan.programs.map(() => []);
    for (const [unit, count] of this.#pending.entries()) if (count === 0) this.#start(unit);
  }

  #start(index: number): void {
    const unit = this.#plan.units[index]!;
    if (unit.kind === 'host') {
      this.#hosts.push(index);
      return;
    }
    this.#queues[unit.lane]!.push(index);
    for (const next of this.#plan.afterSubmission[index]!) this.#satisfy(next);
  }

  #satisfy(unit: number): void {
    this.#pending[unit]!--;
    if (this.#pending[unit]! < 0) throw new Error(`unit ${unit} is satisfied more often than it waits`);
    if (this.#pending[unit] === 0) this.#start(unit);
  }

  #finish(node: NodeId): void {
    this.nodes.push(node);
    for (const unit of this.#plan.afterNode.get(node) ?? []) this.#satisfy(unit);
  }

  /** Lets something run that can, chosen at random; says whether anything could. */
  step(random: Random): boolean {
    const lanes = this.#queues.flatMap((queue, lane) => (queue.length > 0 ? [lane] : []));
    const choice = random.integer(0, lanes.length + this.#hosts.length - 1);
    if (lanes.length + this.#hosts.length === 0) return false;
    if (choice < lanes.length) this.#run(this.#queues[lanes[choice]!]!.shift()!);
    else this.#run(this.#hosts.splice(choice - lanes.length, 1)[0]!);
    return true;
  }

  #run(index: number): void {
    const unit = this.#plan.units[index]!;
    if (unit.kind === 'host') this.#finish(unit.node.id);
    else {
      this.segments[unit.lane]!.push(unit.segment);
      for (const node of unit.nodes) this.#finish(node);
    }
  }
}

/** How an imagined run went. */
export interface Walk {
  /** Nodes in the order they ran; fewer than the plan has after a deadlock. */
  readonly nodes: readonly NodeId[];
  /** Segments of each lane in the order they ran. */
  readonly segments: readonly (readonly number[])[];
}

/** Runs a plan without a device: of whatever can run, something random does. */
export function walkPlan(plan: Plan, random: Random): Walk {
  const walk = new PlanWalk(plan);
  while (walk.step(random));
  return walk;
}

/** Values of one stream, checked as the stream's worker makes, uses and frees them. */
class Lifetimes {
  readonly #constants: ReadonlySet<ValueId>;
  readonly #alive = new Set<ValueId>();
  readonly #freed = new Set<ValueId>();

  constructor(program: StreamProgram) {
    this.#constants = new Set(program.constants.map(({ value }) => value));
  }

  make(value: ValueId): void {
    if (this.#alive.has(value) || this.#freed.has(value)) throw new Error(`value ${value} is made twice`);
    this.#alive.add(value);
  }

  use(value: ValueId): void {
    if (!this.#alive.has(value) && !this.#constants.has(value))
      throw new Error(`value ${value} is not alive`);
  }

  free(value: ValueId): void {
    if (!this.#alive.delete(value)) throw new Error(`value ${value} is freed while it is not alive`);
    this.#freed.add(value);
  }

  has(value: ValueId): boolean {
    return this.#alive.has(value);
  }

  /** Values made and never freed. */
  get leaked(): readonly ValueId[] {
    return [...this.#alive];
  }
}

function runSegment(program: StreamProgram, segment: SegmentProgram, values: Lifetimes): void {
  for (const { value } of segment.imports) if (!values.has(value)) values.make(value);
  for (const { node, frees } of program.steps.slice(segment.firstStep, segment.endStep)) {
    for (const value of node.inputs) values.use(value);
    for (const value of node.outputs) values.make(value);
    for (const value of frees) values.free(value);
  }
}

/**
 * Follows the values of one stream's program.
 *
 * @param order the order its segments run in
 * @returns values it never frees
 * @throws when a value is used or freed while it is not there, or made twice
 */
export function checkLifetimes(program: StreamProgram, order: readonly number[]): readonly ValueId[] {
  const values = new Lifetimes(program);
  const sharedLeft = new Map(program.sharedValues.map(({ value, segments }) => [value, segments]));
  for (const index of order) {
    const segment = program.segments[index]!;
    runSegment(program, segment, values);
    for (const value of segment.shared) {
      const left = sharedLeft.get(value)! - 1;
      sharedLeft.set(value, left);
      if (left === 0) values.free(value);
    }
  }
  return values.leaked;
}
