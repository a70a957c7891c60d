import { openStore } from '../../src/storage/open-store.ts';

// A process of its own, so that its memory is that of the store alone.
const [url = '', key = '', file = ''] = process.argv.slice(2);
await openStore(url).put(key, { file });
process.stdout.write(`${process.resourceUsage().maxRSS * 1024}`);
process.exit();
