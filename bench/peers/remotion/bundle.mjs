import { bundle } from '@remotion/bundler';

const [outDir] = process.argv.slice(2);
await bundle({ entryPoint: new URL('root.jsx', import.meta.url).pathname, outDir, enableCaching: false });
