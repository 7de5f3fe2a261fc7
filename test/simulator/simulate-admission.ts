/** Carries out a scenario of competing executables, with the rules of admission checked after each event. */
import type { Executable } from '../../runtime/executable.js';
import { type AdmissionScenario, admissionScenario, type ExecutableSpec } from './admission-scenario.js';
import { AdmissionWatch } from './admission-watch.js';
import { Reference } from './build-graph.js';
import { NO_MAIN_FAULTS } from './main-fault.js';
import type { RunSpec } from './scenario.js';
import { checkRun } from './verdict.js';
import type { WatchedRun } from './watched-run.js';
import { World } from './world.js';

/** What a simulation leaves behind. */
export interface AdmissionResult {
  readonly runs: number;
  /** The most often that a run was overtaken by runs behind it. */
  readonly mostOvertaken: number;
}

/** One executable with what was seen of its runs. */
class Competitor {
  readonly spec: ExecutableSpec;
  readonly executable: Executable;
  readonly seen: WatchedRun[] = [];
  readonly #world: World;

  constructor(spec: ExecutableSpec, executable: Executable, world: World) {
    this.spec = spec;
    this.executable = executable;
    this.#world = world;
  }

  /** Resolves once every run has settled. */
  startAll(): Promise<unknown> {
    return Promise.all(
      this.spec.runs.map((spec, index) => this.#startLater(`${this.spec.name} ${index}`, spec)),
    );
  }

  #startLater(name: string, spec: RunSpec): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#world.clock.setTimer(spec.startMs, () => {
        this.#world
          .start(name, this.executable, spec)
          .then((run) => this.seen.push(run))
          .then(() => resolve(), reject);
      });
    });
  }

  async check(runs: readonly WatchedRun[]): Promise<void> {
    const reference = new Reference(this.spec.graph);
    const streamsBroke = this.#world.brokenStreams > 0;
    for (const run of this.seen) {
      const expected = await reference.outputs(run.spec.feed);
      checkRun(run, expected, {
        scenario: this.spec,
        runs,
        streamsBroke,
        memoryRefused: false,
        engineEnded: false,
      });
    }
  }
}

function kernelDurations({ executables }: AdmissionScenario): Map<string, number> {
  const nodes = executables.flatMap(({ graph }) => graph.nodes);
  return new Map(nodes.flatMap((node) => (node.kind === 'kernel' ? [[node.name, node.durationMs]] : [])));
}

async function perform(world: World, scenario: AdmissionScenario): Promise<AdmissionResult> {
  const competitors: Competitor[] = [];
  for (const spec of scenario.executables)
    competitors.push(new Competitor(spec, await world.compile(spec.graph, spec.placement), world));
  const lanes = new Map(competitors.map(({ spec, executable }) => [spec.name, executable.streams]));
  const lanesOf = (run: string) => lanes.get(run.split(' ')[0]!)!;
  const watch = new AdmissionWatch(world, scenario.world.runsInFlight, lanesOf);
  await world.until(Promise.all(competitors.map((competitor) => competitor.startAll())));
  const runs = competitors.flatMap(({ seen }) => seen);
  for (const competitor of competitors) await competitor.check(runs);
  await world.checkIdle();
  await world.until(world.engine.close());
  return { runs: runs.length, mostOvertaken: watch.mostOvertaken };
}

/** @throws the first broken rule */
export async function simulateAdmission(seed: number): Promise<AdmissionResult> {
  const scenario = admissionScenario(seed);
  const durationMs = kernelDurations(scenario);
  const world = await World.open(
    { world: scenario.world, main: NO_MAIN_FAULTS },
    (node) => durationMs.get(node)!,
    false,
  );
  return perform(world, scenario);
}
