/** The results as a page of tables. */
import type { PartOutcome, Results, Table } from './part.js';

const escapeCell = (cell: string): string => cell.replaceAll('|', '\\|').replaceAll('\n', ' ');

function formatRow(cells: readonly string[]): string {
  return `| ${cells.map(escapeCell).join(' | ')} |`;
}

function formatTable({ title, header, rows }: Table): string {
  const rule = header.map(() => '---');
  return [`### ${title}`, '', ...[header, rule, ...rows].map(formatRow), ''].join('\n');
}

function formatPart(name: string, outcome: PartOutcome): string {
  switch (outcome.outcome) {
    case 'done':
      return outcome.tables.map(formatTable).join('\n');
    case 'failed':
      return `### ${name}\n\nFailed after ${(outcome.tookMs / 1000).toFixed(0)} s: ${outcome.reason}\n`;
    case 'skipped':
      return `### ${name}\n\nSkipped: ${outcome.reason}\n`;
  }
}

/** Markdown. */
export function formatReport({
  smoke,
  parts,
  plot,
}: Results & { readonly plot: string | undefined }): string {
  return [
    '# Curfew on a GPU',
    '',
    ...(smoke ? ['A smoke run: few repetitions, the figures mean nothing.', ''] : []),
    ...(plot === undefined ? [] : [`![The price of precision](${plot})`, '']),
    ...Object.entries(parts).map(([name, outcome]) => formatPart(name, outcome)),
  ].join('\n');
}
