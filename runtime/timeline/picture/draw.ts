/** Draws one run: what ran where and when, where it was stopped, and how late. */
import { invalidOption } from '../../option-checks.js';
import { showMs } from '../text.js';
import { Timeline } from '../timeline.js';
import type { TimelineData } from '../timeline-data.js';
import { drawBars } from './bars.js';
import { drawHeading, drawLegend, type LegendEntry, titleOf } from './captions.js';
import { BAR_HEIGHT, Layout, LEFT, MARGIN, RIGHT, WIDTH } from './layout.js';
import { drawEnds, drawStop, drawTicks } from './moments.js';
import { escapeXml, rect, text } from './parts.js';
import { hostRows, longestOps, type Row, runRow, streamRows } from './rows.js';
import { STYLE } from './style.js';

/** What the legend names besides the ops, where it is drawn. */
const LEGEND: readonly LegendEntry[] = [
  { style: 'others', label: 'other ops' },
  { style: 'copy', label: 'copies' },
  { style: 'submit', label: 'submits' },
  { style: 'wait', label: 'waits' },
];

/** Frames around the nodes that were executed as one call. */
function drawChunks({ spans }: TimelineData, stream: number, y: number, layout: Layout): string[] {
  return spans
    .filter((span) => span.kind === 'chunk' && span.stream === stream)
    .map(({ name, startMs, endMs }) => {
      const [x, width] = [layout.x(startMs), layout.x(endMs) - layout.x(startMs)];
      return rect('chunk', x, y - 1, width, BAR_HEIGHT + 2, `${name}, ${showMs(endMs - startMs)}`);
    });
}

function drawRow({ name, bars, stream }: Row, index: number, data: TimelineData, layout: Layout): string[] {
  const y = layout.barY(index);
  return [
    rect('row', LEFT, y - 2, WIDTH - LEFT - RIGHT, BAR_HEIGHT + 4),
    text('label', MARGIN, y + BAR_HEIGHT / 2 + 5, name),
    ...drawBars(bars, y, layout),
    ...(stream === undefined ? [] : drawChunks(data, stream, y, layout)),
    ...(stream === undefined ? [] : drawStop(data, stream, y, layout)),
  ];
}

function draw(data: TimelineData): string {
  const ops = longestOps(data.nodes);
  const styles = new Map(ops.map(({ op }, rank) => [op, `op${rank}`]));
  const styleOf = (op: string) => styles.get(op) ?? 'others';
  const rows = [runRow(data), ...hostRows(data.nodes), ...streamRows(data, styleOf)];
  const drawn = new Set(rows.flatMap(({ bars }) => bars.map(({ style }) => style)));
  const legend = [
    ...ops.map(({ op, totalMs }) => ({ style: styleOf(op), label: `${op} ${showMs(totalMs)}` })),
    ...LEGEND.filter(({ style }) => drawn.has(style)),
  ];
  const layout = new Layout(data, rows.length);
  const { height } = layout;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
    `<title>${escapeXml(titleOf(data))}</title>`,
    `<style>${STYLE}</style>`,
    rect('background', 0, 0, WIDTH, height),
    ...drawHeading(data),
    ...drawTicks(layout),
    ...rows.flatMap((row, index) => drawRow(row, index, data, layout)),
    ...drawEnds(data, layout),
    ...drawLegend(legend, layout),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

/**
 * Draws the timeline of a run as SVG that needs nothing but itself, legible on light and dark backgrounds.
 *
 * @throws INVALID_OPTION for anything but the timeline of a run; of an engine's timeline, draw one of its `runs`
 * @example
 * const { timeline } = await executable.run(feeds, { timeline: true });
 * await writeFile('timeline.svg', drawTimeline(timeline));
 */
export function drawTimeline(timeline: Timeline): string {
  if (!(timeline instanceof Timeline)) throw invalidOption('drawTimeline', 'the timeline of a run', timeline);
  return draw(timeline.source.runs[0]!);
}
