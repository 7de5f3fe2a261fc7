/** The programs of a plan on the streams of a device: each stream is sent those of the lanes that it may execute. */
import type { DeviceStream, Fallback } from '../scheduler/device.js';
import { writeConstants } from '../scheduler/plan/constants.js';
import type { Plan } from '../scheduler/plan.js';
import { allocateShared } from '../scheduler/shared-memory.js';
import type { ProgramKey } from '../scheduler/stream.js';
import { lanesOf } from './lanes.js';
import { checkStreamsLast } from './slots.js';

function eachProgram(
  plan: Plan,
  streams: readonly DeviceStream[],
): readonly { stream: DeviceStream; lane: number }[] {
  return streams.flatMap((stream) =>
    lanesOf(stream.index, streams.length, plan.lanes).map((lane) => ({ stream, lane })),
  );
}

/**
 * Loads a plan on all streams, all or nothing: when one of them cannot take a program, none keeps any. Streams that are
 * broken do not count as long as a run finds enough others.
 *
 * @param key of lane 0; the other lanes have the keys that follow
 * @throws UNSUPPORTED_OP, OUT_OF_MEMORY, DEVICE_LOST
 */
export async function loadPrograms(
  plan: Plan,
  key: ProgramKey,
  streams: readonly DeviceStream[],
): Promise<readonly Fallback[]> {
  const constants = allocateShared(plan.constantBytes, 'constants');
  writeConstants(plan.graph, new Uint8Array(constants));
  const programs = eachProgram(plan, streams);
  const results = await Promise.allSettled(
    programs.map(({ stream, lane }) => stream.load(key + lane, plan.programs[lane]!, constants)),
  );
  const fallbacks = new Map<number, readonly Fallback[]>();
  try {
    for (const [index, { stream, lane }] of programs.entries()) {
      const result = results[index]!;
      if (result.status === 'fulfilled') fallbacks.set(lane, result.value);
      else if (stream.broken === undefined) throw result.reason;
    }
    checkStreamsLast(streams, plan.lanes);
  } catch (error) {
    unloadPrograms(plan, key, streams);
    throw error;
  }
  return Object.freeze(plan.programs.flatMap((_, lane) => fallbacks.get(lane) ?? []));
}

/** Frees a plan's constants on all streams. None of its runs is open. */
export function unloadPrograms(plan: Plan, key: ProgramKey, streams: readonly DeviceStream[]): void {
  for (const { stream, lane } of eachProgram(plan, streams)) stream.unload(key + lane);
}
