/** Derives where a Debian takes backports from, out of what its apt is set up with: the same mirror, the same keys. */

/** A file of sources: `.sources` with fields, or `.list` with an entry in each line. */
export interface SourcesFile {
  readonly name: string;
  readonly text: string;
}

/** A source as apt has it, with the suites it names. */
interface Source {
  readonly suites: readonly string[];
  /** The same for another suite. */
  withSuite(suite: string): string;
  readonly text: string;
}

const LINE = /^(deb\s+(?:\[[^\]]*\]\s+)?\S+\s+)(\S+)(\s+.+)$/;
const SUITES = /^Suites:(.*(?:\n[ \t].*)*)/im;

function readLine(line: string): Source | undefined {
  const [text, before, suite, after] = LINE.exec(line.replace(/#.*/, '').trim()) ?? [];
  if (text === undefined) return undefined;
  return { text, suites: [suite!], withSuite: (other) => `${before}${other}${after}` };
}

function readStanza(stanza: string): Source | undefined {
  const text = stanza.replace(/^#.*\n?/gm, '').trim();
  const suites = SUITES.exec(text)?.[1]?.trim().split(/\s+/);
  const isUsed = /^Types:.*\bdeb\b/im.test(text) && !/^Enabled:\s*no\b/im.test(text);
  if (suites === undefined || !isUsed) return undefined;
  return { text, suites, withSuite: (suite) => text.replace(SUITES, `Suites: ${suite}`) };
}

/**
 * The files with only those sources of the release, and its backports beside them. Empty where none names the release.
 *
 * @param release such as `bookworm`
 */
export function withBackports(files: readonly SourcesFile[], release: string): SourcesFile[] {
  const backports = `${release}-backports`;
  const derived = files.flatMap(({ name, text }) => {
    const isList = name.endsWith('.list');
    const read = isList ? text.split('\n').map(readLine) : text.split(/\n\s*\n/).map(readStanza);
    const own = read.filter(
      (source) =>
        source?.suites.some((suite) => suite === release || suite.startsWith(`${release}-`)) === true,
    ) as Source[];
    const added = own
      .filter(({ suites }) => suites.includes(release))
      .map((source) => source.withSuite(backports));
    const texts = [...own.map((source) => source.text), ...added];
    return texts.length === 0 ? [] : [{ name, text: `${texts.join(isList ? '\n' : '\n\n')}\n` }];
  });
  return derived.some(({ text }) => text.includes(backports)) ? derived : [];
}
