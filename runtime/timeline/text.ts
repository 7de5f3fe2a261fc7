/** Plain text for terminals: figures, tables, and names of unknown origin. */

/** Control and format characters, which a terminal would obey. */
const CONTROL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Longest name shown. */
const MAX_SHOWN = 60;

/** Makes a name safe and short enough to show. */
export function showName(name: string): string {
  const clean = name.replace(CONTROL, '\uFFFD');
  return clean.length > MAX_SHOWN
    ? `${clean.slice(0, MAX_SHOWN / 2 - 1)}…${clean.slice(-MAX_SHOWN / 2)}`
    : clean;
}

/** Milliseconds with as many decimals as matter. */
export function showMs(ms: number): string {
  const size = Math.abs(ms);
  return `${ms.toFixed(size < 1 ? 3 : size < 100 ? 2 : 0)} ms`;
}

/** A share as a percentage. */
export function showShare(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** `1 node`, `2 nodes`. */
export function showNodes(count: number): string {
  return count === 1 ? '1 node' : `${count} nodes`;
}

/** Bytes in the unit that suits them. */
export function showBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB'];
  const unit = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log2(Math.max(1, bytes)) / 10)));
  const value = bytes / 2 ** (10 * unit);
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** Lines under a header. The first `textColumns` columns align to the left, the figures after them to the right. */
export function table(
  header: readonly string[],
  body: readonly (readonly string[])[],
  textColumns: number,
): string {
  const lines = [header, ...body];
  const widths = header.map((_, column) =>
    lines.reduce((widest, line) => Math.max(widest, line[column]!.length), 0),
  );
  return lines
    .map((line) =>
      line
        .map((cell, column) =>
          column < textColumns ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
