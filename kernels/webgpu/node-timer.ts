/** Which part of a submission is which node's, while times are taken. */
import { TIMED_NODES, type TimeQueries } from './fences.js';
import type { TimedNode, WorkTimes } from './work-times.js';

/** What a submission has to tell. */
export interface TimedNodes {
  readonly nodes: readonly TimedNode[];
  /** Nodes that the GPU times. */
  readonly queries: number;
  readonly times: WorkTimes | undefined;
}

export class NodeTimer {
  #times: WorkTimes | undefined;
  /** The node that has begun. */
  #node: TimedNode | undefined;
  #nodes: TimedNode[] = [];
  #queries = 0;

  /** Who is told of the nodes from now on. */
  get times(): WorkTimes | undefined {
    return this.#times;
  }

  set times(times: WorkTimes | undefined) {
    this.#times = times;
    this.#node = undefined;
  }

  /** Whether a node has begun. */
  get isTiming(): boolean {
    return this.#node !== undefined;
  }

  /** Whether there are nodes to tell of. */
  get hasNodes(): boolean {
    return this.#nodes.length > 0;
  }

  /** Whether the submission can time no more. */
  get isFull(): boolean {
    return this.#queries === TIMED_NODES;
  }

  begin(): void {
    this.#node = { kind: 'none' };
  }

  /** The node has run on this thread. */
  ranOnHost(startMs: number, endMs: number): void {
    if (this.#node !== undefined) this.#node = { kind: 'host', startMs, endMs };
  }

  end(): void {
    if (this.#node !== undefined) this.#nodes.push(this.#node);
    this.#node = undefined;
  }

  /** The node has failed: it is not told of. */
  drop(): void {
    this.#node = undefined;
  }

  /** Has the GPU time a pass as the node that has begun. */
  timePass({ set: querySet }: TimeQueries): GPUComputePassTimestampWrites {
    const query = this.#queries++;
    this.#node = { kind: 'gpu', query };
    return { querySet, beginningOfPassWriteIndex: query * 2, endOfPassWriteIndex: query * 2 + 1 };
  }

  /** What the submission has to tell; the next one begins. */
  take(): TimedNodes {
    const taken = { nodes: this.#nodes, queries: this.#queries, times: this.#times };
    this.#nodes = [];
    this.#queries = 0;
    return taken;
  }
}
