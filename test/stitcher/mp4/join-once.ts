import { readFile } from 'node:fs/promises';
import { type StitchOptions, stitch, stitchInStore } from '../../../src/stitcher/stitch.ts';
import { keys } from '../../../src/storage/keys.ts';
import { openStore } from '../../../src/storage/open-store.ts';

// A process of its own, so that its memory is that of joining alone. Takes a store, a file with what is to be joined,
// and the file to write, without which the output goes into the store. Tells who joined it and its highest memory, in
// bytes; Node's maxRSS would begin with that of the parent.
const [url, told = '', file] = process.argv.slice(2);
const { plan, results } = JSON.parse(await readFile(told, 'utf8')) as StitchOptions;
const options: StitchOptions = { plan, results, store: openStore(url), audioKey: null };
const joined = file ? await stitch(options, file) : await stitchInStore(options, keys.output(plan.id, 'mp4'));
const [, kibibytes] = /^VmHWM:\s+(\d+)/m.exec(await readFile('/proc/self/status', 'utf8')) ?? [];
process.stdout.write(JSON.stringify({ joinedBy: joined?.joinedBy, peakBytes: Number(kibibytes) * 1024 }));
