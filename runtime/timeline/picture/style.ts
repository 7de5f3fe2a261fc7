/** Colors and type of timeline pictures, for light and dark backgrounds. */

/** Ops with a color of their own: those that take longest. The others share one. */
export const OP_COLORS = 5;

/** Text on bars is white: every fill is dark enough for it, and light enough to stand out from a dark background. */
export const STYLE = `
text { font-family: system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif; font-size: 13px; fill: #1f2328; }
.title { font-size: 17px; font-weight: 600; }
.small { font-size: 12px; fill: #57606a; }
.in { font-size: 11px; fill: #ffffff; }
.red { fill: #cf222e; font-weight: 600; }
.background { fill: #ffffff; }
.row { fill: #f3f5f8; }
.tick { stroke: #d0d7de; }
.queued { fill: #6e7781; }
.flight { fill: #57606a; }
.late { fill: #cf222e; }
.host { fill: #1a7f37; }
.copy { fill: #9a6700; }
.wait { fill: #7a828c; }
.submit { fill: #a0522d; }
.op0 { fill: #0969da; }
.op1 { fill: #8250df; }
.op2 { fill: #0f766e; }
.op3 { fill: #bf3989; }
.op4 { fill: #bc4c00; }
.others { fill: #4b6584; }
.chunk { fill: none; stroke: #1f2328; stroke-width: 1.5; }
.skipped { fill: none; stroke: #cf222e; stroke-dasharray: 4 4; }
.deadline { stroke: #cf222e; stroke-width: 2; stroke-dasharray: 6 4; }
.settled { stroke: #57606a; }
.stop { stroke: #cf222e; stroke-width: 3; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.chunk { stroke: #e6edf3; }
.small { fill: #a2acb8; }
.in { fill: #ffffff; }
.red { fill: #ff8a84; }
.background { fill: #0d1117; }
.row { fill: #171c24; }
.tick { stroke: #30363d; }
.queued, .wait { fill: #656d77; }
.flight { fill: #4a525c; }
.late { fill: #da3633; }
.host { fill: #238636; }
.submit { fill: #b5673c; }
.op0 { fill: #1f6feb; }
.others { fill: #5b7596; }
.skipped, .deadline, .stop { stroke: #ff7b72; }
.settled { stroke: #8b949e; }
}`;
