/** Programs in processes of their own, with an engine of two streams and a graph of one node. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ENTRY = new URL('../../dist/runtime/index.js', import.meta.url).href;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** A process that has not ended by then is killed, which fails the test. */
const LIMIT_MS = 30_000;

/** A device whose kernels do what their node is called: `loop` for ever, `exit`, or nothing. */
const DEVICE = `
  const act = { loop() { for (;;); }, exit() { process.exit(1); } };
  export const createKernelBackend = () => ({
    device: 'acting', memory: { liveBytes: 0, peakBytes: 0 },
    prepare: ({ name, outputs, outputSpecs }) => ({
      run: (values) => { act[name]?.(); outputs.forEach((id, index) => { values[id] = outputSpecs[index]; }); },
    }),
    upload: (spec) => spec, read: () => new Uint8Array(4), release() {}, close() {},
  });
`;

const PREAMBLE = `
  import { createEngine, GraphBuilder } from '${ENTRY}';
  const acting = { module: new URL('data:text/javascript,${encodeURIComponent(DEVICE).replaceAll("'", '%27')}') };
  const graph = (name) => {
    const builder = new GraphBuilder();
    const x = builder.input('x', { dtype: 'float32', shape: [1] });
    return builder.output('y', builder.kernel('Neg', { x }, {}, { name })), builder.build();
  };
  const hostGraph = (run) => {
    const builder = new GraphBuilder();
    builder.output('y', builder.host('host', { outputs: { y: { dtype: 'float32', shape: [1] } }, run }).y);
    return builder.build();
  };
  const feeds = { x: Float32Array.of(3) };
  const show = (text) => console.log(text);
  const codeOf = (promise) => promise.then(() => show('resolved'), ({ code }) => show(code));
`;

const argsFor = (program: string): string[] => [
  '--expose-gc',
  '--input-type=module',
  '--eval',
  PREAMBLE + program,
];

/** Runs a program; gives the lines it printed once it has ended by itself, with exit code 0. */
export async function runProgram(program: string): Promise<string> {
  const options = { cwd: ROOT, timeout: LIMIT_MS };
  const { stdout } = await promisify(execFile)(process.execPath, argsFor(program), options);
  return stdout.trim();
}

/** How a process ended. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** The program in a thread of its own; then its exit code is printed. */
export function inThread(program: string): string {
  const url = `data:text/javascript,${encodeURIComponent(PREAMBLE + program)}`;
  return `
    import { Worker } from 'node:worker_threads';
    new Worker(new URL(${JSON.stringify(url)})).on('exit', (code) => show('thread ' + code));
  `;
}

/** Runs a program that may end in any way; one that has not ended in time is killed with SIGTERM. */
export function endOf(program: string): Promise<ProcessEnd> {
  return new Promise((resolve) => {
    const options = { cwd: ROOT, timeout: LIMIT_MS };
    const child = execFile(process.execPath, argsFor(program), options, (_error, stdout, stderr) =>
      resolve({
        code: child.exitCode,
        signal: child.signalCode,
        stdout: stdout.trim(),
        stderr: stderr.trim(),
      }),
    );
  });
}
