import { type Comparison, isMeasured, type Measured } from './result.ts';

const WIDTH = 760;
const LEFT = 190;
const RIGHT = 70;
const BAR = 16;
const GAP = 5;
const TOP = 44;
const HEAD = 26;
const OURS = '#2f6fde';
const OTHERS = '#9aa7b8';

const escaped = (text: string): string => text.replace(/[&<>]/g, (char) => `&#${char.charCodeAt(0)};`);

function bar({ who, framesPerSecond }: Measured, top: number, scale: number): string {
  const width = Math.max(1, framesPerSecond * scale).toFixed(1);
  const middle = top + BAR / 2 + 4;
  return [
    `<text x="${LEFT - 8}" y="${middle}" text-anchor="end">${escaped(who)}</text>`,
    `<rect x="${LEFT}" y="${top}" width="${width}" height="${BAR}" rx="2" fill="${who === 'ours' ? OURS : OTHERS}"/>`,
    `<text x="${(LEFT + Number(width) + 6).toFixed(1)}" y="${middle}">${framesPerSecond.toFixed(1)}</text>`,
  ].join('\n');
}

/** Frames a second by look, as an SVG picture. */
export function chartOf({ date, machine, rows }: Comparison): string {
  const measured = rows.filter(isMeasured);
  const scale = (WIDTH - LEFT - RIGHT) / Math.max(...measured.map(({ framesPerSecond }) => framesPerSecond));
  const parts: string[] = [];
  let top = TOP;
  for (const look of new Set(measured.map((row) => row.look))) {
    parts.push(`<text x="${LEFT}" y="${top + 16}" font-weight="600">${escaped(look)}</text>`);
    top += HEAD;
    for (const row of measured.filter((other) => other.look === look)) {
      parts.push(bar(row, top, scale));
      top += BAR + GAP;
    }
    top += GAP;
  }
  const height = top + GAP;
  const title = `Frames a second, 1920×1080, x264 veryfast crf 20, ${machine.cores} cores (${date})`;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="12" fill="#1c2733" role="img" aria-label="${title}">
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text x="16" y="26" font-size="15" font-weight="600">${title}</text>
${parts.join('\n')}
</svg>
`;
}
