/** Does the device compute what the reference computes, and does it keep its contract? */
import { inferNode, opNames } from '../../../kernels/ops/index.js';
import { createKernelBackend as createReference } from '../../../kernels/reference/backend.js';
import { createKernelBackend } from '../../../kernels/webgpu/backend.js';
import { runDeviceChecks } from '../../../runtime/device-testing.js';
import type { ImmediateBackend, QueueingBackend } from '../../../scheduler/kernel.js';
import { messageOf } from '../../../scheduler/quote.js';
import { backendOptions, difference, programNode, runOn } from '../../../test/support/one-node.js';
import { caseTensors, formatCase, type OpCase, opCases } from '../../../test/support/op-cases.js';
import { progress } from '../../harness.js';
import { withBackend } from '../backend.js';
import type { Part, PartContext } from '../part.js';

const SEED = 1;
/** Relative above 1, of floats: sums in another order, and functions by other polynomials. */
const TOLERANCE = 1e-3;
const SMOKE_EVERY = 12;

/** What was seen of one op. */
interface OpFigures {
  readonly op: string;
  readonly cases: number;
  /** Cases that the cpu kernels took. */
  readonly onCpu: number;
  readonly departures: readonly string[];
}

function departures(opCase: OpCase, reference: ImmediateBackend, backend: QueueingBackend): string[] {
  const { op, inputs, attributes, randomValues } = opCase;
  const { outputs } = inferNode(op, inputs, attributes, 'case');
  const tensors = caseTensors(opCase, SEED);
  const expected = runOn(reference, op, tensors, outputs, attributes);
  // Its reads wait, so single nodes can be run on it as on an immediate one.
  const actual = runOn(backend as unknown as ImmediateBackend, op, tensors, outputs, attributes);
  return actual.flatMap((tensor, index) => {
    const wanted = expected[index]!;
    const received = randomValues ? { ...tensor, data: wanted.data } : tensor;
    return difference(received, wanted, tensor.dtype === 'float32' ? TOLERANCE : 0) ?? [];
  });
}

function runsOnCpu({ op, inputs, attributes }: OpCase, backend: QueueingBackend): boolean {
  const { outputs } = inferNode(op, inputs, attributes, 'case');
  return (
    backend.prepare(programNode({ op, inputs: { ...inputs }, attributes, outputs })).fallback !== undefined
  );
}

function figuresOf(
  op: string,
  cases: readonly OpCase[],
  reference: ImmediateBackend,
  backend: QueueingBackend,
): OpFigures {
  let onCpu = 0;
  const found = cases.flatMap((opCase) => {
    try {
      if (runsOnCpu(opCase, backend)) onCpu++;
      return departures(opCase, reference, backend).map((words) => `${formatCase(opCase)}: ${words}`);
    } catch (error) {
      return [`${formatCase(opCase)}: ${messageOf(error)}`];
    }
  });
  return { op, cases: cases.length, onCpu, departures: found };
}

async function measureOps({ smoke, adapter }: PartContext): Promise<OpFigures[]> {
  const reference = (await createReference(backendOptions())) as ImmediateBackend;
  const cases = opCases(SEED);
  const names = opNames().filter((_, index) => !smoke || index % SMOKE_EVERY === 0);
  progress(`the cases of ${names.length} ops against the reference`);
  return await withBackend(
    async (backend) =>
      names.map((op) =>
        figuresOf(
          op,
          cases.filter((opCase) => opCase.op === op),
          reference,
          backend,
        ),
      ),
    { adapter },
  );
}

function opRows(ops: readonly OpFigures[]): string[][] {
  return ops
    .filter(({ onCpu, departures: found }) => onCpu > 0 || found.length > 0)
    .map(({ op, cases, onCpu, departures: found }) => [
      op,
      String(cases),
      String(onCpu),
      String(found.length),
      found[0] ?? '',
    ]);
}

export const conformance: Part = async (context) => {
  progress('the checks of curfew/device-testing');
  const checks = await runDeviceChecks(
    createKernelBackend,
    {
      tolerance: TOLERANCE,
      device: { adapter: context.adapter },
      engine: { device: 'webgpu', webgpu: { adapter: context.adapter } },
    },
    (line) => console.error(`  ${line}`),
  );
  const results = checks.map((check) => ({
    name: check.name,
    outcome: check.outcome,
    ...(check.outcome === 'failed' ? { reason: messageOf(check.error) } : {}),
    ...(check.outcome === 'skipped' ? { reason: check.reason } : {}),
  }));
  const ops = await measureOps(context);
  const count = (outcome: string) => results.filter((check) => check.outcome === outcome).length;
  const sum = (pick: (op: OpFigures) => number) => ops.reduce((total, op) => total + pick(op), 0);
  const summary = [
    ['device checks passed', String(count('passed'))],
    ['device checks that do not apply', String(count('skipped'))],
    ['device checks failed', String(count('failed'))],
    ['ops', String(ops.length)],
    ['cases', String(sum(({ cases }) => cases))],
    ['cases on the cpu kernels', String(sum(({ onCpu }) => onCpu))],
    ['cases that depart from the reference', String(sum(({ departures: found }) => found.length))],
  ];
  const failed = results
    .filter(({ outcome }) => outcome === 'failed')
    .map(({ name, reason }) => [name, reason ?? '']);
  return {
    tables: [
      { title: 'Conformance', header: ['', ''], rows: summary },
      { title: 'Checks that failed', header: ['check', 'why'], rows: failed },
      {
        title: 'Ops with cases on the cpu kernels, or departures',
        header: ['op', 'cases', 'on cpu', 'departures', 'first departure'],
        rows: opRows(ops),
      },
    ].filter(({ rows }) => rows.length > 0),
    data: { checks: results, ops },
  };
};
