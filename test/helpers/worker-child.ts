/** A farm's render function in a process of its own: takes a store's address and an event, prints the answer. */
import { Handlers } from '../../src/orchestrator/handlers.ts';
import { openStore } from '../../src/storage/open-store.ts';

const [url, event = ''] = process.argv.slice(2);
await using handlers = new Handlers(openStore(url));
process.stdout.write(JSON.stringify(await handlers.render(JSON.parse(event))));
