/** All that a run of the bench found, and the files it is written to. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Results } from './part.js';
import type { Price } from './parts/price.js';
import { drawPrices } from './plot.js';
import { formatReport } from './report.js';

export const RESULT_FILES = { json: 'results.json', page: 'results.md', plot: 'price.svg' } as const;

function pricesOf(parts: Results['parts']): Price[] {
  return Object.entries(parts).flatMap(([name, part]) =>
    name.startsWith('price-') && part.outcome === 'done' ? [part.data as Price] : [],
  );
}

/** Writes the files anew, so that what was measured is there whatever becomes of the rest. */
export function writeResults(folder: string, results: Results): void {
  mkdirSync(folder, { recursive: true });
  const prices = pricesOf(results.parts);
  const plot = prices.length === 0 ? undefined : RESULT_FILES.plot;
  writeFileSync(join(folder, RESULT_FILES.json), `${JSON.stringify(results, undefined, 1)}\n`);
  writeFileSync(join(folder, RESULT_FILES.page), formatReport({ ...results, plot }));
  if (plot !== undefined) writeFileSync(join(folder, plot), drawPrices(prices));
}
