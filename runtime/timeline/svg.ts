/** One run as a picture: what ran where and when, where it was stopped, and how late. */
import { formatMode } from '../../scheduler/cancellation.js';
import { escapeXml, fitText, line, rect, text, textWidth } from './svg-parts.js';
import { type Bar, hostRows, longestOps, type Row, runRow, streamRows } from './svg-rows.js';
import { STYLE } from './svg-style.js';
import { showMs, showNodes } from './text.js';
import { stopMsOf, type TimelineData } from './timeline-data.js';

const WIDTH = 1200;
const LEFT = 150;
const RIGHT = 24;
const TOP = 104;
const LANE_HEIGHT = 40;
const BAR_HEIGHT = 28;
const BOTTOM = 76;
const IN_PX = 11;
/** Room to the right of the run's end, for what is said of it. */
const ROOM = 0.25;
const TICKS = 8;
/** Bars narrower than this many pixels are drawn together with the next one that looks the same. */
const LEAST_WIDTH = 0.5;

/** What is named in the legend where it is drawn, besides the ops. */
const LEGEND = [
  { style: 'others', label: 'other ops' },
  { style: 'copy', label: 'copies' },
  { style: 'submit', label: 'submits' },
  { style: 'wait', label: 'waits' },
];

/** A round distance between ticks. */
function tickMs(endMs: number): number {
  const rough = endMs / TICKS;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= rough) ?? 10 * power;
}

/** Draws one run; see `toSvg`. */
class Picture {
  readonly #data: TimelineData;
  readonly #ops: readonly { op: string; totalMs: number }[];
  readonly #rows: readonly Row[];
  readonly #endMs: number;
  readonly #bottom: number;

  constructor(data: TimelineData) {
    this.#data = data;
    this.#ops = longestOps(data.nodes);
    this.#rows = [runRow(data), ...hostRows(data.nodes), ...streamRows(data, (op) => this.#styleOf(op))];
    // A run of no time at all still needs a scale.
    this.#endMs = data.settledMs === 0 ? 1 : data.settledMs * (1 + ROOM);
    this.#bottom = TOP + this.#rows.length * LANE_HEIGHT;
  }

  draw(): string {
    const height = this.#bottom + BOTTOM;
    const parts = [
      `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img">`,
      `<title>${escapeXml(this.#title())}</title>`,
      `<style>${STYLE}</style>`,
      rect('background', 0, 0, WIDTH, height),
      ...this.#heading(),
      ...this.#ticks(),
      ...this.#rows.flatMap((row, index) => this.#row(row, TOP + index * LANE_HEIGHT)),
      ...this.#ends(),
      ...this.#legend(),
      '</svg>',
    ];
    return `${parts.join('\n')}\n`;
  }

  #x(ms: number): number {
    return LEFT + (ms / this.#endMs) * (WIDTH - LEFT - RIGHT);
  }

  #styleOf(op: string): string {
    const rank = this.#ops.findIndex((known) => known.op === op);
    return rank === -1 ? 'others' : `op${rank}`;
  }

  #title(): string {
    const { executable, device, outcome, timeoutMs, latenessMs } = this.#data.report;
    const deadline = timeoutMs === undefined ? '' : `, deadline ${showMs(timeoutMs)}`;
    const late = latenessMs === undefined ? '' : `, ${showMs(latenessMs)} late`;
    return `${executable} on ${device}: ${outcome}${deadline}${late}`;
  }

  #heading(): string[] {
    const { report, dropped, settledMs } = this.#data;
    const { mode, nodesCompleted, nodesTotal } = report;
    const facts = [
      `${nodesCompleted} of ${nodesTotal} nodes executed`,
      ...this.#whereItEnded(),
      `cancellation ${formatMode(mode)}`,
      `settled after ${showMs(settledMs)}`,
      ...(dropped === 0 ? [] : [`INCOMPLETE: ${dropped} records dropped`]),
    ].join(' · ');
    const room = WIDTH - 24 - RIGHT;
    return [
      text('title', 24, 34, fitText(this.#title(), 17, room) ?? ''),
      text('small', 24, 56, fitText(facts, 12, room) ?? ''),
    ];
  }

  #whereItEnded(): string[] {
    const { moments } = this.#data;
    const at = (kind: string) => moments.find((moment) => moment.kind === kind)?.node;
    const [stopped, failed] = [at('stop'), at('failure')];
    if (failed !== undefined) return [`failed in ${failed}`];
    return stopped === undefined ? [] : [`stopped before ${stopped}`];
  }

  #ticks(): string[] {
    const step = tickMs(this.#endMs);
    const count = Math.floor(this.#endMs / step);
    return Array.from({ length: count + 1 }, (_, index) => {
      const x = this.#x(index * step);
      const label = `${Number((index * step).toPrecision(6))}${index === 0 ? ' ms' : ''}`;
      return (
        line('tick', x, TOP - 4, x, this.#bottom + 4) + text('small', x, this.#bottom + 20, label, 'middle')
      );
    });
  }

  #row({ name, bars, stream }: Row, y: number): string[] {
    const barY = y + (LANE_HEIGHT - BAR_HEIGHT) / 2;
    return [
      rect('lane', LEFT, barY - 2, WIDTH - LEFT - RIGHT, BAR_HEIGHT + 4),
      text('label', 24, barY + BAR_HEIGHT / 2 + 5, name),
      ...this.#bars(bars, barY),
      ...(stream === undefined ? [] : this.#stops(stream, barY)),
    ];
  }

  #bars(bars: readonly Bar[], y: number): string[] {
    const drawn: Bar[] = [];
    for (const bar of bars) {
      const last = drawn.at(-1);
      const thin = this.#x(bar.endMs) - this.#x(bar.startMs) < LEAST_WIDTH;
      const touches = last !== undefined && this.#x(bar.startMs) - this.#x(last.endMs) < LEAST_WIDTH;
      if (thin && touches && last.style === bar.style)
        drawn[drawn.length - 1] = { ...last, endMs: bar.endMs };
      else drawn.push(bar);
    }
    return drawn.map((bar) => this.#bar(bar, y));
  }

  #bar({ style, startMs, endMs, label, whole = false }: Bar, y: number): string {
    const x = this.#x(startMs);
    const width = this.#x(endMs) - x;
    // Neighbours of one colour are told apart by the background between them.
    const drawnWidth = Math.max(LEAST_WIDTH, width > 3 ? width - 0.6 : width);
    const shape = rect(style, x, y, drawnWidth, BAR_HEIGHT, `${label}, ${showMs(endMs - startMs)}`);
    const fitted = fitText(label, IN_PX, width - 8);
    const inside = whole && fitted !== label ? undefined : fitted;
    return inside === undefined ? shape : shape + text('in', x + 4, y + BAR_HEIGHT / 2 + 4, inside);
  }

  /** Where the stream was stopped, and the place of what it would have done. */
  #stops(stream: number, y: number): string[] {
    const { moments, report } = this.#data;
    const stop = moments.find((moment) => moment.kind !== 'replaced' && moment.stream === stream);
    if (stop === undefined) return [];
    const x = this.#x(Math.min(stop.atMs, this.#endMs));
    const skipped = report.nodesTotal - report.nodesCompleted;
    const room = WIDTH - RIGHT - x;
    const what = `${showNodes(skipped)} skipped`;
    const ghost = rect('skipped', x + 2, y + 1, Math.max(0, room - 3), BAR_HEIGHT - 2);
    const label = textWidth(what, 13) < room - 12 ? text('red', x + 10, y + BAR_HEIGHT / 2 + 5, what) : '';
    return [ghost, label, line('stop', x, y - 4, x, y + BAR_HEIGHT + 4)];
  }

  /** The deadline, or the abort, and the end: lines through all lanes. Their texts face away from each other. */
  #ends(): string[] {
    const { settledMs, deadlineMs, abortedMs } = this.#data;
    const parts: string[] = [];
    const stopMs =
      stopMsOf(this.#data) ?? (deadlineMs !== undefined && deadlineMs < this.#endMs ? deadlineMs : undefined);
    if (stopMs !== undefined) {
      const what = stopMs === abortedMs ? 'aborted' : 'deadline';
      const x = this.#x(stopMs);
      const isRight = stopMs > settledMs || x < LEFT + 140;
      parts.push(line('deadline', x, TOP - 14, x, this.#bottom + 4));
      parts.push(
        text(
          'red',
          isRight ? x + 6 : x - 6,
          TOP - 20,
          `${what} ${showMs(stopMs)}`,
          isRight ? 'start' : 'end',
        ),
      );
    }
    const x = this.#x(settledMs);
    parts.push(line('settled', x, TOP - 4, x, this.#bottom + 4));
    const [where] = this.#whereItEnded();
    // The heading has the whole name; here its last part has to do.
    const short = where?.replace(/ [^ ]*\//, ' ');
    const label = short === undefined ? undefined : fitText(short, 13, WIDTH - RIGHT - x - 6);
    parts.push(text(label === undefined ? 'small' : 'red', x + 6, TOP - 20, label ?? 'settled'));
    return parts;
  }

  #legend(): string[] {
    const y = this.#bottom + 48;
    const drawn = new Set(this.#rows.flatMap(({ bars }) => bars.map(({ style }) => style)));
    const entries = [
      ...this.#ops.map(({ op, totalMs }) => ({
        style: this.#styleOf(op),
        label: `${op} ${showMs(totalMs)}`,
      })),
      ...LEGEND.filter(({ style }) => drawn.has(style)),
    ];
    let x = 24;
    return entries.flatMap(({ style, label }) => {
      const at = x;
      x += textWidth(label, 12) + 40;
      return [rect(style, at, y - 11, 14, 14), text('small', at + 20, y, label)];
    });
  }
}

/** The picture: SVG that needs nothing but itself, legible on light and dark backgrounds. */
export function toSvg(data: TimelineData): string {
  return new Picture(data).draw();
}
