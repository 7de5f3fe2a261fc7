/** Elements of SVG pictures. */

/** Characters that XML cannot hold, even if escaped. */
const NOT_XML = /[\p{Cc}\p{Cs}\uFFFE\uFFFF]/gu;

/** Escapes a text for an element or an attribute. */
export function escapeXml(text: string): string {
  return text
    .replace(NOT_XML, '\uFFFD')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

/** Rounds a coordinate to what a screen shows. */
const round = (value: number): number => Math.round(value * 100) / 100;

/** A rectangle. Viewers show its `title` under the pointer. */
export function rect(
  style: string,
  x: number,
  y: number,
  width: number,
  height: number,
  title?: string,
): string {
  const shape = `<rect class="${style}" x="${round(x)}" y="${round(y)}" width="${round(width)}" height="${round(height)}"`;
  return title === undefined ? `${shape}/>` : `${shape}><title>${escapeXml(title)}</title></rect>`;
}

/** A straight line. */
export function line(style: string, x1: number, y1: number, x2: number, y2: number): string {
  return `<line class="${style}" x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}"/>`;
}

/** A line of text. `y` is its baseline. */
export function text(
  style: string,
  x: number,
  y: number,
  content: string,
  anchor: 'start' | 'middle' | 'end' = 'start',
): string {
  const aligned = anchor === 'start' ? '' : ` text-anchor="${anchor}"`;
  return `<text class="${style}" x="${round(x)}" y="${round(y)}"${aligned}>${escapeXml(content)}</text>`;
}

/** Mean width of a character at 1 px, as nothing here can measure text. */
const CHARACTER_WIDTH = 0.62;

/** About the width that a text takes. */
export function textWidth(content: string, fontPx: number): number {
  return content.length * fontPx * CHARACTER_WIDTH;
}

/** Leaves out the middle of a text that is too wide; `undefined` when too little would be left. */
export function fitText(content: string, fontPx: number, width: number): string | undefined {
  if (textWidth(content, fontPx) <= width) return content;
  const keep = Math.floor(width / (fontPx * CHARACTER_WIDTH)) - 1;
  if (keep < 6) return undefined;
  return `${content.slice(0, Math.ceil(keep / 2))}…${content.slice(content.length - Math.floor(keep / 2))}`;
}
