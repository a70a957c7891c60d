import type { Kill, SoakReport } from './soak.ts';
import { targets } from './targets.ts';

const phases = ['start', 'bundle', 'plan', 'render', 'stitch'];

function table(rows: readonly (readonly (string | number)[])[]): string {
  const lines = rows.map((row) => `| ${row.join(' | ')} |`);
  return [lines[0], `|${'---|'.repeat(rows[0]?.length ?? 0)}`, ...lines.slice(1)].join('\n');
}

/** A report as a table for people, in Markdown. */
export function describeSoak({ kills, runs, cycles, errors, wrong, leftovers }: SoakReport): string {
  const count = (fits: (kill: Kill) => boolean): number => kills.filter(fits).length;
  const row = (name: string, fits: (kill: Kill) => boolean) => [
    name,
    ...phases.map((phase) => count((kill) => fits(kill) && kill.phase === phase)),
    count(fits),
    count((kill) => fits(kill) && kill.healed === 'by itself'),
    count((kill) => fits(kill) && kill.healed === 'by running again'),
  ];
  const places = [...new Set(kills.map(({ place }) => place))];
  return [
    table([
      ['killed', ...phases, 'kills', 'healed by itself', 'by running again'],
      ...targets.map((target) => row(target, (kill) => kill.target === target)),
      ...places.map((place) => row(`all, store ${place}`, (kill) => kill.place === place)),
      row('all', () => true),
    ]),
    `${runs} renders started, ${cycles} brought to the right bytes`,
    `shot renders ended with: ${[...errors].map(([name, times]) => `${name} ${times}`).join(', ') || 'nothing'}`,
    `wrong results: ${wrong.length}${wrong.map((line) => `\n  ${line}`).join('')}`,
    `leftovers: ${leftovers.length}${leftovers.map((line) => `\n  ${line}`).join('')}`,
  ].join('\n');
}
