/** Checks of whole runs: an engine on the device, as its users will have it. */

import type { CancellationOption } from '../../scheduler/cancellation.js';
import { yieldToEventLoop } from '../../scheduler/clock.js';
import { CurfewError } from '../../scheduler/errors.js';
import { createEngine } from '../create-engine.js';
import type { Engine } from '../engine.js';
import type { Executable } from '../executable.js';
import type { EngineOptions, RunOptions } from '../options.js';
import { CheckFailure, check, checkCode, checkSame, rejectionOf } from './check-failure.js';
import type { CheckWork } from './device-check.js';
import { DEPTH, type EngineCase, engineCase } from './engine-graph.js';
import type { Subject } from './options.js';
import { checkTensor } from './tensors.js';

const MODES: readonly CancellationOption[] = ['none', 'node', { precisionMs: 1 }];

/** Turns of the main thread's event loop after which runs are aborted. */
const ABORT_TURNS = [0, 1, 2, 3, 5, 8, 13, 21, 34, 55] as const;

/** Deadlines in milliseconds. No run is over before the first two. */
const TIMEOUTS_MS = [0, 0.001, 0.1, 0.3, 1, 3] as const;
const CERTAIN_TIMEOUTS = 2;

/** What a check of an engine works on. */
interface Stage {
  readonly engine: Engine;
  readonly executable: Executable;
  readonly given: EngineCase;
  readonly subject: Subject;
}

const onEngine =
  (work: (stage: Stage) => Promise<void>, options: EngineOptions = {}, place = false): CheckWork =>
  async (subject) => {
    if (subject.options.engine === undefined) return 'the options name no engine';
    const given = await engineCase(subject);
    const engine = await createEngine({ ...options, ...subject.options.engine });
    try {
      const placement = place ? ({ index }: { readonly index: number }) => index % 2 : 'single';
      const executable = await engine.compile(given.graph, { placement });
      await work({ engine, executable, given, subject });
      checkNothingLeft(engine, 'at the end');
    } finally {
      await engine.close();
    }
    return undefined;
  };

function checkNothingLeft(engine: Engine, when: string): void {
  const { runs, bytes, streams } = engine.stats();
  checkSame(`runs in flight ${when}`, runs.inFlight, 0);
  checkSame(`bytes that runs hold ${when}`, bytes.live, 0);
  for (const { index, replaced } of streams) checkSame(`replacements of stream ${index}`, replaced, 0);
}

/** A run that nothing stops gives what the reference gives. */
async function checkRun({ executable, given, subject }: Stage, options: RunOptions = {}): Promise<void> {
  const { outputs, report } = await executable.run(given.feeds, options);
  checkSame('outcome of a run that nothing stops', report.outcome, 'completed');
  checkSame('nodesCompleted', report.nodesCompleted, report.nodesTotal);
  for (const [name, expected] of Object.entries(given.expected))
    checkTensor(`output ${name}`, outputs[name]!, expected, subject.options);
}

const completes = (mode: CancellationOption): CheckWork =>
  onEngine(async (stage) => {
    for (let run = 0; run < 3; run++) await checkRun(stage, { cancellation: mode });
    checkNothingLeft(stage.engine, 'after runs that completed');
    // What a device times itself goes into the timeline.
    await checkRun(stage, { cancellation: mode, timeline: true });
  });

/** Aborts the run in one host node after the other. */
const abortedInHostNodes = (mode: CancellationOption): CheckWork =>
  onEngine(async (stage) => {
    const { engine, executable, given } = stage;
    for (let target = 0; target < given.hosts.count; target++) {
      const controller = new AbortController();
      given.hosts.onHost = (number) => {
        if (number === target) controller.abort();
      };
      const { signal } = controller;
      const error = await rejectionOf(executable.run(given.feeds, { signal, cancellation: mode }));
      checkCode(`a run aborted in host node ${target}`, error, 'ABORTED');
      const { nodesCompleted, nodesTotal } = (
        error as { report: { nodesCompleted: number; nodesTotal: number } }
      ).report;
      check(
        mode === 'none' || nodesCompleted < nodesTotal,
        'nodesCompleted of it',
        `less than ${nodesTotal}`,
        nodesCompleted,
      );
      checkNothingLeft(engine, `after a run aborted in host node ${target}`);
      await checkRun(stage);
    }
  });

/** Throws unless the run completed, or was stopped with this code. */
async function checkStopped(
  stage: Stage,
  what: string,
  run: Promise<unknown>,
  code: string,
): Promise<boolean> {
  const error = await rejectionOf(run);
  if (error !== undefined) checkCode(what, error, code);
  checkNothingLeft(stage.engine, `after ${what}`);
  await checkRun(stage);
  return error !== undefined;
}

const abortedAnywhere = (mode: CancellationOption): CheckWork =>
  onEngine(async (stage) => {
    const { executable, given } = stage;
    for (const turns of ABORT_TURNS) {
      const controller = new AbortController();
      const run = executable.run(given.feeds, { signal: controller.signal, cancellation: mode });
      // Whatever comes of it is looked at below.
      run.catch(() => undefined);
      for (let turn = 0; turn < turns; turn++) await yieldToEventLoop();
      controller.abort();
      await checkStopped(stage, `a run aborted after ${turns} turns of the event loop`, run, 'ABORTED');
    }
  });

const deadlines = (mode: CancellationOption): CheckWork =>
  onEngine(async (stage) => {
    const { executable, given } = stage;
    for (const [index, timeoutMs] of TIMEOUTS_MS.entries()) {
      const run = executable.run(given.feeds, { timeoutMs, cancellation: mode });
      const what = `a run with timeoutMs ${timeoutMs}`;
      const stopped = await checkStopped(stage, what, run, 'DEADLINE_EXCEEDED');
      check(stopped || index >= CERTAIN_TIMEOUTS, what, 'DEADLINE_EXCEEDED', 'a result');
    }
  });

/** Many runs at once, every third of them stopped. */
async function checkCrowd(stage: Stage): Promise<void> {
  const runs = Array.from({ length: 12 }, (_, index) => {
    if (index % 3 !== 2) return checkRun(stage, { cancellation: MODES[index % MODES.length] });
    const run = stage.executable.run(stage.given.feeds, { timeoutMs: 0.2 });
    return rejectionOf(run).then((error) => {
      if (error !== undefined) checkCode('a run with timeoutMs 0.2', error, 'DEADLINE_EXCEEDED');
    });
  });
  await Promise.all(runs);
  checkNothingLeft(stage.engine, 'after many runs at once');
}

async function checkFailing({ options, createBackend }: Subject): Promise<string | undefined> {
  const { failingNode, engine: engineOptions } = options;
  if (engineOptions === undefined) return 'the options name no engine';
  if (failingNode === undefined) return 'the options name no failingNode';
  const given = await engineCase({ options, createBackend }, failingNode);
  const engine = await createEngine(engineOptions);
  try {
    const executable = await engine.compile(given.graph);
    for (const cancellation of MODES) {
      const error = await rejectionOf(executable.run(given.feeds, { cancellation }));
      if (!(error instanceof CurfewError)) throw new CheckFailure('a failing run', 'a CurfewError', error);
      check(error.code !== 'INTERNAL', 'code of a failing run', 'KERNEL_FAILED, as a rule', error.code);
      checkNothingLeft(engine, 'after a run that failed');
    }
  } finally {
    await engine.close();
  }
  return undefined;
}

const ofEachMode = (name: string, check: (mode: CancellationOption) => CheckWork) =>
  Object.fromEntries(
    MODES.map((mode) => {
      const shown = typeof mode === 'string' ? `'${mode}'` : `{ precisionMs: ${Object.values(mode)[0]} }`;
      return [`engine: ${name} in mode ${shown}`, check(mode)];
    }),
  );

/** Checks by name. */
export const ENGINE_CHECKS: Readonly<Record<string, CheckWork>> = Object.freeze({
  ...ofEachMode(`a graph of ${DEPTH} nodes gives what the reference gives`, completes),
  ...ofEachMode('a run aborted in any host node leaves nothing', abortedInHostNodes),
  ...ofEachMode('a run aborted anywhere leaves nothing', abortedAnywhere),
  ...ofEachMode('a run stopped by its deadline leaves nothing', deadlines),
  'engine: a run whose node fails leaves nothing': checkFailing,
  'engine: many runs on two streams leave nothing': onEngine(checkCrowd, { streams: 2, runsInFlight: 3 }),
  'engine: many runs spread over two streams leave nothing': onEngine(checkCrowd, { streams: 2 }, true),
});
