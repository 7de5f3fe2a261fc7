/** DEVICES.md's device is the one under `test/example-device/`, and passes all checks as a reader would have it. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Example, ExampleFolder, examplesOf } from './support/examples.js';

const page = readFileSync(new URL('../DEVICES.md', import.meta.url), 'utf8');

/** In the order of the page. */
const FILES = ['check', 'device', 'queue', 'kernels'] as const;
const parts = examplesOf(page).filter(({ notRun }) => notRun === undefined);
const byName = new Map<string, Example>(FILES.map((name, index) => [name, parts[index]!]));

describe("DEVICES.md's device", () => {
  let folder: ExampleFolder;
  beforeAll(async () => {
    folder = await ExampleFolder.create('export {};\n');
  });
  afterAll(() => folder.remove());

  it('has its files in the order in which the text names them', () => {
    expect(parts).toHaveLength(FILES.length);
    const lines = page.split('\n');
    for (const [name, { line }] of byName) {
      const before = lines.slice(0, line - 1).findLast((text) => /`\w+\.ts`/.test(text));
      expect(before).toContain(`\`${name}.ts\``);
    }
  });

  it.each(FILES.slice(1))('is the one in test/example-device: %s.ts', (name) => {
    const file = readFileSync(new URL(`./example-device/${name}.ts`, import.meta.url), 'utf8');
    expect(byName.get(name)!.code).toBe(file.replaceAll("'../../runtime/device.js'", "'curfew/device'"));
  });

  it('compiles against the package and passes every check', async () => {
    expect(await folder.compile(byName)).toBe('');
    const { failed, stdout, stderr } = await folder.run('check');
    expect(stdout.match(/^FAILED.*\n.*$/gm) ?? []).toEqual([]);
    expect(failed, stderr).toBe(false);
    expect(stdout.match(/^passed /gm)!.length).toBeGreaterThan(80);
  });
});
