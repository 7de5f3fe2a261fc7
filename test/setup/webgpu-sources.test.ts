import { describe, expect, it } from 'vitest';
import { withBackports } from '../../runtime/setup/webgpu-sources.js';

const derive = (name: string, ...lines: readonly string[]) =>
  withBackports([{ name, text: lines.join('\n') }], 'bookworm')[0]?.text;

describe('sources with backports', () => {
  it('have the mirror and the keys of the entries with fields, and none of other releases', () => {
    const text = derive(
      'debian.sources',
      '# Made by hand',
      'Types: deb deb-src',
      'URIs: http://mirror/debian',
      'Suites: bookworm',
      ' bookworm-updates',
      'Components: main',
      'Signed-By: /keys.gpg',
      '',
      'Types: deb',
      'URIs: http://mirror/security',
      'Suites: bookworm-security',
      '',
      'Types: deb',
      'URIs: http://elsewhere',
      'Suites: nodistro',
    );
    expect(text?.split('\n\n').map((stanza) => stanza.trimEnd().split('\n'))).toEqual([
      [
        'Types: deb deb-src',
        'URIs: http://mirror/debian',
        'Suites: bookworm',
        ' bookworm-updates',
        'Components: main',
        'Signed-By: /keys.gpg',
      ],
      ['Types: deb', 'URIs: http://mirror/security', 'Suites: bookworm-security'],
      [
        'Types: deb deb-src',
        'URIs: http://mirror/debian',
        'Suites: bookworm-backports',
        'Components: main',
        'Signed-By: /keys.gpg',
      ],
    ]);
  });

  it('have the mirror and the options of the entries in lines', () => {
    const entry = 'deb [arch=amd64 signed-by=/keys.gpg] http://mirror/debian';
    const text = derive(
      'sources.list',
      `${entry} bookworm main contrib # the mirror`,
      '# deb http://off bookworm main',
      'deb-src http://mirror/debian bookworm main',
      'deb http://elsewhere stable main',
    );
    expect(text).toBe(`${entry} bookworm main contrib\n${entry} bookworm-backports main contrib\n`);
  });

  it('are those that are there where backports are among them', () => {
    const line = 'deb http://mirror bookworm-backports main';
    expect(derive('sources.list', line)).toBe(`${line}\n`);
  });

  it.each([
    ['nothing', ''],
    ['another release', 'deb http://mirror trixie main'],
    ['its updates alone', 'deb http://mirror bookworm-updates main'],
  ])('are none where the sources name %s', (_what, text) => {
    expect(derive('sources.list', text)).toBeUndefined();
  });

  it('are none where they are switched off', () => {
    expect(derive('debian.sources', 'Enabled: no', 'Types: deb', 'Suites: bookworm')).toBeUndefined();
  });
});
