import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  CurfewError,
  curfewError,
  ERROR_CODES,
  type ErrorCode,
  fromErrorRecord,
  invariant,
  quote,
  toErrorRecord,
} from '../scheduler/errors.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const codes = Object.keys(ERROR_CODES) as ErrorCode[];
const CLASSES = { type: 'TypeError', range: 'RangeError', runtime: 'Error' } as const;

/** Sections of ERRORS.md by their headings, such as `` ## `INVALID_FEED` ``. */
function documented(): Map<string, string> {
  const text = readFileSync(join(ROOT, 'ERRORS.md'), 'utf8');
  const sections = text.split(/^## /m).slice(1);
  const named = sections.flatMap((section): [string, string][] => {
    const name = /^`([A-Z_]+)`\n/.exec(section)?.[1];
    return name === undefined ? [] : [[name, section]];
  });
  return new Map(named);
}

describe('ERRORS.md', () => {
  it('documents every code of the table, in its order, and no other', () => {
    expect([...documented().keys()]).toEqual(codes);
  });

  it.each(codes)('says of %s its class, what it means, when it comes and what to do', (code) => {
    const section = documented().get(code);
    expect(section).toContain(`\`${CLASSES[ERROR_CODES[code].family]}\``);
    expect(section).toContain(ERROR_CODES[code].summary);
    expect(section).toContain('**When:**');
    expect(section).toContain('**What to do:**');
  });

  it('names no code that does not exist', () => {
    const text = readFileSync(join(ROOT, 'ERRORS.md'), 'utf8');
    const mentioned = [...text.matchAll(/`([A-Z]+(?:_[A-Z]+)*)`/g)].map((match) => match[1]!);
    expect(mentioned.filter((name) => !codes.includes(name as ErrorCode))).toEqual([]);
  });
});

/** The sources that ship, without the table itself. */
function productSources(): string {
  const files = ['runtime', 'kernels', 'scheduler'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  const isTable = (file: string) => file.endsWith(join('scheduler', 'errors.ts'));
  const texts = files.filter((file) => !isTable(file)).map((file) => readFileSync(file, 'utf8'));
  return texts.join('\n');
}

describe('the table of codes', () => {
  const text = productSources();
  // INTERNAL is raised where the table is, by `invariant`.
  it.each(codes.filter((code) => code !== 'INTERNAL'))('has %s because something raises it', (code) => {
    expect(text).toMatch(new RegExp(`'${code}'`));
  });

  it('has every code that something raises', () => {
    const raised = [...text.matchAll(/curfewError\(\s*'([A-Z_]+)'/g)].map((match) => match[1]!);
    expect(raised.length).toBeGreaterThan(20);
    expect(raised.filter((code) => !codes.includes(code as ErrorCode))).toEqual([]);
  });
});

describe('a Curfew error', () => {
  it.each(codes)('%s is a CurfewError of the class its family names', (code) => {
    const error = curfewError(code, 'message', { node: 'n', expected: 1, received: 2, cause: 'why' });
    const classes = { type: TypeError, range: RangeError, runtime: Error };
    expect(error).toBeInstanceOf(CurfewError);
    expect(error).toBeInstanceOf(classes[ERROR_CODES[code].family]);
    expect(error).toMatchObject({
      code,
      message: 'message',
      node: 'n',
      expected: 1,
      received: 2,
      cause: 'why',
    });
    expect(error.name).toBe('CurfewError');
  });

  it.each(codes)('%s has a class with a name, all the way up', (code) => {
    const names: string[] = [];
    let prototype: object | null = Object.getPrototypeOf(curfewError(code, 'message'));
    for (; prototype !== null; prototype = Object.getPrototypeOf(prototype))
      names.push(prototype.constructor.name);
    expect(names).not.toContain('');
    expect(names[0]).toMatch(/^Curfew(?:Type|Range)?Error$/);
  });

  it('is told from others', () => {
    for (const other of [new Error('x'), new TypeError('x'), { code: 'ABORTED' }, null, 'ABORTED']) {
      expect(other).not.toBeInstanceOf(CurfewError);
    }
  });

  it('keeps what it says across a thread', () => {
    const error = curfewError('INVALID_FEED', 'feed', {
      node: 'x',
      expected: 4,
      received: 'three',
      cause: 1,
    });
    const copy = fromErrorRecord(structuredClone(toErrorRecord(error, 'INTERNAL')));
    expect(copy).toBeInstanceOf(TypeError);
    expect(copy).toMatchObject({
      code: 'INVALID_FEED',
      message: 'feed',
      node: 'x',
      expected: 4,
      received: 'three',
    });
    expect(copy.stack).toBe(error.stack);
  });

  it('is made of anything thrown, with the code and node given for what is no Curfew error', () => {
    expect(toErrorRecord(new Error('x'), 'KERNEL_FAILED', 'n')).toMatchObject({
      code: 'KERNEL_FAILED',
      node: 'n',
    });
    expect(toErrorRecord('text', 'KERNEL_FAILED')).toMatchObject({ message: '"text"' });
  });
});

describe('invariant', () => {
  it('throws INTERNAL when the condition does not hold', () => {
    expect(() => invariant(true, 'fine')).not.toThrow();
    expect(() => invariant(0, 'zero is truthy')).toThrow(
      expect.objectContaining({ code: 'INTERNAL' }) as Error,
    );
  });
});

describe('quote', () => {
  it.each([
    ['text', '"text"'],
    ['a'.repeat(100), `"${'a'.repeat(77)}..."`],
    [Number.NaN, 'NaN'],
    [undefined, 'undefined'],
    [null, 'null'],
    [10n, '10'],
    [10n ** 400n, `1${'0'.repeat(76)}...`],
    [Symbol('s'), 'Symbol(s)'],
    [[1, 'a', {}], '[1, "a", object]'],
    [[null, 10], '[null, 10]'],
    [Array(9).fill(0), '[0, 0, 0, 0, 0, 0, 0, 0, ...]'],
    [new Float32Array(2), 'Float32Array of 8 bytes'],
    [new DataView(new ArrayBuffer(3)), 'DataView of 3 bytes'],
    [new Map(), 'an object of class Map'],
    [Object.create(null), 'an object'],
    [function named() {}, 'function named'],
  ])('shows %o as %s', (value, expected) => {
    expect(quote(value)).toBe(expected);
  });
});
