/** The moments that matter in a picture of a run: ticks, deadline or abort, end, and where each stream was stopped. */
import { showMs, showNodes } from '../text.js';
import { stopMsOf, type TimelineData } from '../timeline-data.js';
import { whereItEnded } from './captions.js';
import { BAR_HEIGHT, type Layout, LEFT, RIGHT, TOP, WIDTH } from './layout.js';
import { fitText, line, rect, text, textWidth } from './parts.js';

const TICKS = 8;

/** A round distance between ticks. */
function tickMs(endMs: number): number {
  const rough = endMs / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((distance) => distance >= rough) ?? 10 * power;
}

export function drawTicks(layout: Layout): string[] {
  const distance = tickMs(layout.endMs);
  const count = Math.floor(layout.endMs / distance);
  return Array.from({ length: count + 1 }, (_, index) => {
    const x = layout.x(index * distance);
    const label = `${Number((index * distance).toPrecision(6))}${index === 0 ? ' ms' : ''}`;
    return (
      line('tick', x, TOP - 4, x, layout.bottom + 4) + text('small', x, layout.bottom + 20, label, 'middle')
    );
  });
}

/** Where a stream was stopped, and the place of what it would have done. */
export function drawStop(
  { moments, report }: TimelineData,
  stream: number,
  y: number,
  layout: Layout,
): string[] {
  const stop = moments.find((moment) => moment.kind !== 'replaced' && moment.stream === stream);
  if (stop === undefined) return [];
  const x = layout.x(Math.min(stop.atMs, layout.endMs));
  const room = WIDTH - RIGHT - x;
  const what = `${showNodes(report.nodesTotal - report.nodesCompleted)} skipped`;
  const ghost = rect('skipped', x + 2, y + 1, Math.max(0, room - 3), BAR_HEIGHT - 2);
  const label = textWidth(what, 13) < room - 12 ? text('red', x + 10, y + BAR_HEIGHT / 2 + 5, what) : '';
  return [ghost, label, line('stop', x, y - 4, x, y + BAR_HEIGHT + 4)];
}

/** The deadline, also where it had not come yet, or the abort. */
function stopLineMs(data: TimelineData, { endMs }: Layout): number | undefined {
  const { deadlineMs } = data;
  return stopMsOf(data) ?? (deadlineMs !== undefined && deadlineMs < endMs ? deadlineMs : undefined);
}

/** The deadline or abort, and the end, as lines through all rows. Their texts face away from each other. */
export function drawEnds(data: TimelineData, layout: Layout): string[] {
  const { settledMs, abortedMs } = data;
  const parts: string[] = [];
  const stopMs = stopLineMs(data, layout);
  if (stopMs !== undefined) {
    const what = `${stopMs === abortedMs ? 'aborted' : 'deadline'} ${showMs(stopMs)}`;
    const x = layout.x(stopMs);
    const isRight = stopMs > settledMs || x < LEFT + 140;
    parts.push(line('deadline', x, TOP - 14, x, layout.bottom + 4));
    parts.push(text('red', isRight ? x + 6 : x - 6, TOP - 20, what, isRight ? 'start' : 'end'));
  }
  const x = layout.x(settledMs);
  parts.push(line('settled', x, TOP - 4, x, layout.bottom + 4));
  // The heading has the whole name; here its last part has to do.
  const short = whereItEnded(data)?.replace(/ [^ ]*\//, ' ');
  const label = short === undefined ? undefined : fitText(short, 13, WIDTH - RIGHT - x - 6);
  parts.push(text(label === undefined ? 'small' : 'red', x + 6, TOP - 20, label ?? 'settled'));
  return parts;
}
