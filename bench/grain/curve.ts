/** The curve of precision and its price, as SVG for light and dark backgrounds. */
import type { Summary } from '../harness.js';
import { summarize } from '../harness.js';
import { formatMs } from '../table.js';

/** What was measured of one network. */
export interface Curve {
  readonly name: string;
  readonly seen: readonly {
    readonly notch: { readonly name: string };
    readonly chunks: number;
    readonly times: readonly number[];
    readonly lateness: Summary | undefined;
  }[];
}

const [WIDTH, HEIGHT] = [900, 460];
const [LEFT, RIGHT, TOP, BOTTOM] = [70, 30, 70, 60];
/** Lateness in milliseconds at the ends of the axis, which is logarithmic, and its ticks. */
const [LEAST_MS, MOST_MS] = [0.5, 200];
const TICKS_MS = [0.5, 1, 2, 5, 10, 20, 50, 100, 200];

const STYLE = `
text { font: 13px system-ui, 'DejaVu Sans', sans-serif; fill: #1f2328; }
.title { font-size: 17px; font-weight: 600; } .small { font-size: 12px; fill: #57606a; }
.background { fill: #fff; } .grid { stroke: #d0d7de; }
.c0 { stroke: #0969da; fill: #0969da; } .c1 { stroke: #bc4c00; fill: #bc4c00; } .curve { fill: none; stroke-width: 2; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; } .small { fill: #a2acb8; } .background { fill: #0d1117; } .grid { stroke: #30363d; }
.c0 { stroke: #58a6ff; fill: #58a6ff; } .c1 { stroke: #f0883e; fill: #f0883e; } .curve { fill: none; }
}`;

interface Point {
  readonly label: string;
  readonly lateMs: number;
  readonly ratio: number;
}

function pointsOf({ seen }: Curve): Point[] {
  const none = summarize(seen[0]!.times).median;
  return seen.flatMap(({ notch, chunks, times, lateness }) =>
    lateness === undefined
      ? []
      : [
          {
            label: `${notch.name} (${chunks})`,
            lateMs: lateness.p99,
            ratio: summarize(times).median / none,
          },
        ],
  );
}

const x = (lateMs: number): number => {
  const share = Math.log(lateMs / LEAST_MS) / Math.log(MOST_MS / LEAST_MS);
  return LEFT + Math.min(1, Math.max(0, share)) * (WIDTH - LEFT - RIGHT);
};

function yScale(points: readonly Point[]): { y: (ratio: number) => number; ticks: number[] } {
  const most = Math.max(1.5, ...points.map(({ ratio }) => ratio)) * 1.05;
  const step = most > 6 ? 2 : most > 3 ? 1 : 0.5;
  const ticks = Array.from({ length: Math.floor(most / step) + 1 }, (_, index) => index * step);
  return { y: (ratio) => HEIGHT - BOTTOM - (ratio / most) * (HEIGHT - TOP - BOTTOM), ticks };
}

/** Labels of the first network stand above its curve, those of the second below. */
function drawPoints(points: readonly Point[], index: number, y: (ratio: number) => number): string[] {
  const color = `c${index % 2}`;
  const labelY = index % 2 === 0 ? -9 : 19;
  const at = points.map(({ lateMs, ratio }) => `${x(lateMs).toFixed(1)},${y(ratio).toFixed(1)}`);
  return [
    `<polyline class="${color} curve" points="${at.join(' ')}"/>`,
    ...points.flatMap(({ label, lateMs, ratio }) => {
      const [cx, cy] = [x(lateMs).toFixed(1), y(ratio)];
      const hint = `<title>${label}: ${ratio.toFixed(2)} ×, p99 ${formatMs(lateMs)} late</title>`;
      return [
        `<circle class="${color}" cx="${cx}" cy="${cy.toFixed(1)}" r="4">${hint}</circle>`,
        `<text class="small" x="${cx}" y="${(cy + labelY).toFixed(1)}" text-anchor="middle">${label}</text>`,
      ];
    }),
  ];
}

/** Draws the curves of all networks: how late 99 of 100 stopped runs are at most, and the time of a complete run. */
export function drawCurve(curves: readonly Curve[]): string {
  const points = curves.map(pointsOf);
  const { y, ticks } = yScale(points.flat());
  const grid = [
    ...TICKS_MS.flatMap((ms) => [
      `<line class="grid" x1="${x(ms)}" y1="${TOP}" x2="${x(ms)}" y2="${HEIGHT - BOTTOM}"/>`,
      `<text class="small" x="${x(ms)}" y="${HEIGHT - BOTTOM + 18}" text-anchor="middle">${ms}</text>`,
    ]),
    ...ticks.flatMap((ratio) => [
      `<line class="grid" x1="${LEFT}" y1="${y(ratio)}" x2="${WIDTH - RIGHT}" y2="${y(ratio)}"/>`,
      `<text class="small" x="${LEFT - 8}" y="${y(ratio) + 4}" text-anchor="end">${ratio} ×</text>`,
    ]),
  ];
  const legend = curves.map(
    ({ name }, index) =>
      `<circle class="c${index % 2}" cx="${LEFT + 10 + 160 * index}" cy="50" r="5"/><text x="${LEFT + 22 + 160 * index}" y="54">${name}</text>`,
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" role="img">`,
    '<title>The price of precision</title>',
    `<style>${STYLE}</style><rect class="background" width="${WIDTH}" height="${HEIGHT}"/>`,
    `<text class="title" x="${LEFT}" y="30">The price of precision: time of a complete run, by how late a stopped one is</text>`,
    ...legend,
    ...grid,
    `<text class="small" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 14}" text-anchor="middle">p99 of the lateness in ms; each point: cancellation mode (calls per run)</text>`,
    ...points.flatMap((of, index) => drawPoints(of, index, y)),
    '</svg>',
    '',
  ].join('\n');
}
