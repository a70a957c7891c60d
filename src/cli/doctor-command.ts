import { styleText } from 'node:util';
import type { Command } from 'commander';
import { type Check, runChecks } from './doctor-checks.ts';

const MARKS = { ok: ['green', '✓'], warn: ['yellow', '!'], fail: ['red', '✗'] } as const;

function line({ name, status, found, remedy }: Check): string {
  const [color, mark] = MARKS[status];
  const head = `${styleText(color, mark, { stream: process.stdout })} ${name.padEnd(12)} ${found}`;
  return remedy === undefined ? head : `${head}\n${' '.repeat(15)}→ ${remedy}`;
}

async function doctor({ json }: { json?: boolean }): Promise<void> {
  const checks: Check[] = [];
  for await (const check of runChecks()) {
    checks.push(check);
    if (!json) process.stdout.write(`${line(check)}\n`);
  }
  const ok = checks.every(({ status }) => status !== 'fail');
  if (json) process.stdout.write(`${JSON.stringify({ ok, checks }, null, 2)}\n`);
  else process.stdout.write(ok ? 'Ready to render.\n' : 'Something that is needed is missing.\n');
  if (!ok) process.exitCode = 1;
}

export function addDoctorCommand(program: Command): void {
  program
    .command('doctor')
    .description('Check that this machine can render: browser, encoder, fonts, store, space.')
    .option('--json', 'tell it as JSON')
    .action(doctor);
}
