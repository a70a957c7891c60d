/**
 * A function of the farm as a process of its own: `node function-process.ts <function> <event>`; on stdout its answer,
 * when the process was ready for the event, and how long that took, both in ms.
 */
import { writeSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { packageFolder } from '../src/utils/package-version.ts';

const [name = '', event = '{}'] = process.argv.slice(2);
const { handler } = await import(path.join(packageFolder(), 'dist', 'functions', name, 'index.mjs'));
const readyMs = performance.now();
const end = Date.now() + 900_000;
const answer = await handler(JSON.parse(event), { getRemainingTimeInMillis: () => end - Date.now() });
writeSync(1, `\n${JSON.stringify({ answer, readyMs, handledMs: performance.now() - readyMs })}`);
// A warm browser would keep the process.
process.exit(0);
