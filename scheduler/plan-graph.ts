/** Compiles a graph into a plan. */
import { type Graph, isWork } from './graph.js';
import { type Placement, placeNodes } from './placement.js';
import { findMainConstants, layOutConstants } from './plan/constants.js';
import { findFlows } from './plan/flows.js';
import { buildProgram } from './plan/program.js';
import { linkUnits, listUnits } from './plan/units.js';
import type { Plan } from './plan.js';
import type { ChunkPlan } from './program.js';
import { cutSegments } from './segment.js';

/**
 * Compiles a graph: gives each node a lane, cuts segments, finds last uses and crossings. A lane becomes a stream when
 * a run is dispatched; a plan of one lane can run on any stream.
 *
 * @param options.streams how many streams the engine has
 * @throws INVALID_PLACEMENT, LIMIT_EXCEEDED
 */
export function planGraph(
  graph: Graph,
  options: {
    readonly streams: number;
    readonly placement: Placement;
    readonly chunks?: ChunkPlan | undefined;
  },
): Plan {
  const laneOf = placeNodes(graph, options.streams, options.placement);
  const lanes = laneOf.reduce((most, lane) => Math.max(most, lane + 1), 1);
  const flows = findFlows(graph, laneOf);
  const constants = layOutConstants(graph);
  const segments = cutSegments(graph, laneOf);
  const units = Object.freeze(listUnits(graph, segments));
  const programs = Array.from({ length: lanes }, (_, lane) => {
    const own = segments.filter((segment) => segment.lane === lane);
    return { ...buildProgram(graph, lane, laneOf, own, flows, constants.offsets), chunks: options.chunks };
  });
  return Object.freeze({
    graph,
    lanes,
    units,
    ...linkUnits(graph, laneOf, units),
    programs,
    constantBytes: constants.bytes,
    exchangeBytes: flows.exchangeBytes,
    exchange: flows.exchange,
    mainConstants: findMainConstants(graph, flows),
    workNodes: graph.nodes.filter(isWork).length,
  });
}
