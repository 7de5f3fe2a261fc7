/** The bars on a row of a picture. */
import { showMs } from '../text.js';
import { BAR_HEIGHT, type Layout } from './layout.js';
import { fitText, rect, text } from './parts.js';
import type { Bar } from './rows.js';

const LABEL_PX = 11;
/** Bars narrower than this many pixels join the next one that looks the same. */
const LEAST_WIDTH = 0.5;

function drawBar({ style, startMs, endMs, label, whole = false }: Bar, y: number, layout: Layout): string {
  const x = layout.x(startMs);
  const width = layout.x(endMs) - x;
  // The background shows between neighbors of one color.
  const drawnWidth = Math.max(LEAST_WIDTH, width > 3 ? width - 0.6 : width);
  const shape = rect(style, x, y, drawnWidth, BAR_HEIGHT, `${label}, ${showMs(endMs - startMs)}`);
  const fitted = fitText(label, LABEL_PX, width - 8);
  const inside = whole && fitted !== label ? undefined : fitted;
  return inside === undefined ? shape : shape + text('in', x + 4, y + BAR_HEIGHT / 2 + 4, inside);
}

export function drawBars(bars: readonly Bar[], y: number, layout: Layout): string[] {
  const drawn: Bar[] = [];
  for (const bar of bars) {
    const last = drawn.at(-1);
    const thin = layout.x(bar.endMs) - layout.x(bar.startMs) < LEAST_WIDTH;
    const touches = last !== undefined && layout.x(bar.startMs) - layout.x(last.endMs) < LEAST_WIDTH;
    if (thin && touches && last.style === bar.style) drawn[drawn.length - 1] = { ...last, endMs: bar.endMs };
    else drawn.push(bar);
  }
  return drawn.map((bar) => drawBar(bar, y, layout));
}
