import { readFileSync } from 'node:fs';
import { openStore } from '../../src/storage/open-store.ts';

// A process of its own, so that its memory is that of the store alone. It tells its highest, in KiB; Node's
// maxRSS would begin with that of the parent.
const [url = '', key = '', file = ''] = process.argv.slice(2);
await openStore(url).put(key, { file });
process.stdout.write(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '');
process.exit();
