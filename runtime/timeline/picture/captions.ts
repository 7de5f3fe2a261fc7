/** What a picture of a run says in words: title, facts, legend. */
import { formatMode } from '../../../scheduler/cancellation.js';
import { showMs } from '../text.js';
import type { TimelineData } from '../timeline-data.js';
import { type Layout, MARGIN, RIGHT, WIDTH } from './layout.js';
import { fitText, rect, text, textWidth } from './parts.js';

/** A color and what it stands for. */
export interface LegendEntry {
  readonly style: string;
  readonly label: string;
}

/** Names the run and how it ended. */
export function titleOf({ report }: TimelineData): string {
  const { executable, device, outcome, timeoutMs, latenessMs } = report;
  const deadline = timeoutMs === undefined ? '' : `, deadline ${showMs(timeoutMs)}`;
  const late = latenessMs === undefined ? '' : `, ${showMs(latenessMs)} late`;
  return `${executable} on ${device}: ${outcome}${deadline}${late}`;
}

/** Names the node that failed or that the run was stopped before. */
export function whereItEnded({ moments }: TimelineData): string | undefined {
  const at = (kind: string) => moments.find((moment) => moment.kind === kind)?.node;
  const [stopped, failed] = [at('stop'), at('failure')];
  if (failed !== undefined) return `failed in ${failed}`;
  return stopped === undefined ? undefined : `stopped before ${stopped}`;
}

/** The title, and the facts in small print. */
export function drawHeading(data: TimelineData): string[] {
  const { report, dropped, settledMs } = data;
  const facts = [
    `${report.nodesCompleted} of ${report.nodesTotal} nodes executed`,
    report.fallbacks.length === 0 ? undefined : `${report.fallbacks.length} on other devices' kernels`,
    whereItEnded(data),
    `cancellation ${formatMode(report.mode)}`,
    `settled after ${showMs(settledMs)}`,
    dropped === 0 ? undefined : `INCOMPLETE: ${dropped} records dropped`,
  ]
    .filter((fact) => fact !== undefined)
    .join(' · ');
  const room = WIDTH - MARGIN - RIGHT;
  return [
    text('title', MARGIN, 34, fitText(titleOf(data), 17, room) ?? ''),
    text('small', MARGIN, 56, fitText(facts, 12, room) ?? ''),
  ];
}

/** The legend under the rows. */
export function drawLegend(entries: readonly LegendEntry[], { bottom }: Layout): string[] {
  const y = bottom + 48;
  let x = MARGIN;
  return entries.flatMap(({ style, label }) => {
    const at = x;
    x += textWidth(label, 12) + 40;
    return [rect(style, at, y - 11, 14, 14), text('small', at + 20, y, label)];
  });
}
