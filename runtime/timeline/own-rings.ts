/** The rings of a run's own timeline, sized from its plan. */
import { MAX_TIMELINE_RECORDS } from '../../scheduler/limits.js';
import type { Plan } from '../../scheduler/plan.js';
import type { StreamProgram } from '../../scheduler/program.js';
import type { RecordRing } from '../../scheduler/record-ring.js';
import type { RingPool } from './ring-pool.js';

/** Records of a step: its node, its submission, and a few waits. Any beyond them overwrite the oldest and are counted. */
const RECORDS_PER_STEP = 4;
/** Records of a segment or a host node besides those of its steps. */
const RECORDS_PER_UNIT = 4;
/** Records of the run itself. */
const RECORDS_PER_RUN = 16;

function recordsOfProgram({ steps, segments }: StreamProgram): number {
  const imports = segments.reduce((sum, segment) => sum + segment.imports.length, 0);
  return steps.length * RECORDS_PER_STEP + segments.length * RECORDS_PER_UNIT + imports;
}

/** One ring for the main thread and one for each lane of the plan. */
export class OwnRings {
  readonly main: RecordRing;
  readonly lanes: readonly RecordRing[];

  constructor(plan: Plan, pool: RingPool) {
    const take = (records: number) => pool.take(Math.min(MAX_TIMELINE_RECORDS, records));
    this.main = take(plan.units.length * RECORDS_PER_UNIT + RECORDS_PER_RUN);
    this.lanes = plan.programs.map((program) => take(recordsOfProgram(program)));
  }

  give(pool: RingPool): void {
    for (const ring of [this.main, ...this.lanes]) pool.give(ring);
  }
}
