import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeFolder } from '../../runtime/setup/make-folder.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'curfew-folder-'));
});
afterEach(() => rmSync(root, { recursive: true }));

it('makes the folders above, at the same time as others do', async () => {
  const folder = join(root, 'a', 'b', 'c');
  await Promise.all([makeFolder(folder), makeFolder(folder), makeFolder(join(root, 'a', 'b'))]);
  expect(statSync(folder).isDirectory()).toBe(true);
});

it('ends where there can be none', async () => {
  writeFileSync(join(root, 'file'), '');
  await expect(makeFolder(join(root, 'file', 'folder'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  await expect(makeFolder('/proc/nowhere/folder')).rejects.toMatchObject({ code: 'ENOENT' });
});
