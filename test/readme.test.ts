/** README's examples, as a reader would use them: compiled against the built package, and each run in a process. */
import '@tensorflow/tfjs-backend-cpu';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Example, ExampleFolder, examplesOf } from './support/examples.js';
import { graphModelFiles, layersModelFiles } from './support/model-files.js';

/** What the prose takes for granted, and what the first example has made before the others. */
const PRELUDE = `
import '@tensorflow/tfjs-backend-cpu';
import { enableProdMode } from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { fileURLToPath } from 'node:url';
import { createEngine, trace } from 'curfew';

// Spares us TensorFlow.js's advice to install another backend.
enableProdMode();

export const model = sequential({
  layers: [
    layers.conv2d({ inputShape: [224, 224, 3], filters: 2, kernelSize: 3, strides: 4 }),
    layers.globalAveragePooling2d({}),
    layers.dense({ units: 4, activation: 'softmax' }),
  ],
});
export const pixels = new Float32Array(224 * 224 * 3).fill(0.5);
export const path = fileURLToPath(import.meta.url);
export const decode = async (file: Uint8Array) => pixels.map((value) => value / file.byteLength);
export const graph = await trace(({ x }) => ({ y: model.predict(x) }), {
  x: { dtype: 'float32', shape: [1, 224, 224, 3] },
});
export const engine = await createEngine();
export const classify = await engine.compile(graph);
`;

const examples = examplesOf(readFileSync(new URL('../README.md', import.meta.url), 'utf8'));
const nameOf = ({ line }: Example): string => `readme-line-${line}`;
const run = examples.filter(({ notRun }) => notRun === undefined);

let folder: ExampleFolder;
let messages: string;
beforeAll(async () => {
  folder = await ExampleFolder.create(PRELUDE);
  for (const [path, data] of await layersModelFiles('model')) await folder.write(path, data);
  messages = await folder.compile(new Map(run.map((example) => [nameOf(example), example])));
});
afterAll(() => folder.remove());

describe("README's examples", () => {
  it('are found', () => expect(run.length).toBeGreaterThan(2));

  it('compile', () => expect(messages).toBe(''));

  it.each(run.map((example) => [nameOf(example)]))('%s runs to its end', async (name) => {
    const { failed, stderr } = await folder.run(name);
    expect(failed, stderr).toBe(false);
  });

  it.each([
    ['a misspelt feed', '{ x: pixels }', '{ z: pixels }', "'z' does not exist in type"],
    ['a misspelt output', 'outputs.y.data', 'outputs.yy.data', "'yy' does not exist"],
    ['a misspelt option', 'timeoutMs: 80', 'timeoutms: 80', "'timeoutms' does not exist"],
    ['a function that is not there', 'createEngine(', 'startEngine(', "'startEngine'"],
  ])('do not compile with %s', async (_what, written, mistaken, message) => {
    const example = run.find(({ code }) => code.includes(written));
    if (example === undefined) throw new Error(`expected an example with ${written}`);
    const wrong = { ...example, code: example.code.replace(written, mistaken) };
    const line = example.line + example.code.slice(0, example.code.indexOf(written)).split('\n').length - 1;
    const found = await folder.compile(new Map([['wrong', wrong]]));
    expect(found).toContain(message);
    expect(found).toContain(`wrong.ts(${line},`);
  });
});

describe('the reader of models on disk', () => {
  it('takes converted models, too', async () => {
    const example = run.find(({ code }) => code.includes('loadLayersModel('))!;
    const code = example.code
      .replaceAll('loadLayersModel', 'loadGraphModel')
      .replace('tfjs-layers', 'tfjs-converter');
    for (const [path, data] of graphModelFiles('model')) await folder.write(path, data);
    expect(await folder.compile(new Map([['converted', { ...example, code }]]))).toBe('');
    const { failed, stderr } = await folder.run('converted');
    expect(failed, stderr).toBe(false);
  });
});

describe('examplesOf()', () => {
  it('leaves out an example only with a reason', () => {
    expect(examplesOf('text\n```ts not run: no GPU\na();\n```\n')).toEqual([
      { line: 3, code: 'a();\n', notRun: 'no GPU' },
    ]);
  });

  it.each(['```ts skip', '```ts not run: ', '```js', '```typescript'])('refuses %s', (fence) => {
    expect(() => examplesOf(`${fence}\na();\n\`\`\`\n`)).toThrow('line 1: expected');
  });
});
