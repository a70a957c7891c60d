/**
 * Makes the kit ready below `XDG_CACHE_HOME` while the image is built, so that an instance starts with a browser that
 * is unpacked, and writes nothing but temporary files.
 */
import { workerVersion } from '../src/worker/worker-version.ts';

console.log(await workerVersion());
