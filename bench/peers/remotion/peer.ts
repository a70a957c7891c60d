import { cp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Peer, peerFile } from '../contestant.ts';
import { writeLook } from '../look.ts';
import { runCommand } from '../run-command.ts';

const VERSION = '4.0.529';

export const remotion: Peer = {
  name: 'Remotion',
  packages: {
    remotion: VERSION,
    '@remotion/renderer': VERSION,
    '@remotion/bundler': VERSION,
    react: '19.2.3',
    'react-dom': '19.2.3',
  },
  async open(folder, { browser }, subjects) {
    for (const name of ['remotion/root.jsx', 'remotion/bundle.mjs', 'remotion/render.mjs', 'stage.mjs'])
      await cp(fileURLToPath(peerFile(name)), path.join(folder, path.basename(name)));
    const looks = new Map(subjects.map((subject) => [subject.name, subject]));
    for (const [name, subject] of looks) await writeLook(subject, path.join(folder, `${name}.mjs`));
    const names = [...looks.keys()];
    const imports = names.map((name) => `import * as ${name}_ from './${name}.mjs';\n`);
    const exported = names.map((name) => `${name}: ${name}_`);
    await writeFile(
      path.join(folder, 'looks.mjs'),
      `${imports.join('')}export const looks = { ${exported.join(', ')} };\n`,
    );
    const serveUrl = path.join(folder, 'bundle');
    await rm(serveUrl, { recursive: true, force: true });
    await runCommand({ file: process.execPath, args: ['bundle.mjs', serveUrl], cwd: folder });
    return {
      name: 'Remotion',
      version: VERSION,
      note: 'its own FFmpeg, JPEG of its default quality in between; bundling is outside of its time',
      parallel: true,
      framesOf: ({ frames }) => frames,
      command: async ({ subject, frames, concurrency, output }) => {
        const options = { serveUrl, look: subject.name, frames, concurrency, output, browser };
        return { file: process.execPath, args: ['render.mjs', JSON.stringify(options)], cwd: folder };
      },
    };
  },
};
