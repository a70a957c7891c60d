import { fileURLToPath } from 'node:url';
import type { Contestant } from './contestant.ts';

const script = fileURLToPath(new URL('naive-command.ts', import.meta.url));

export const naive: Contestant = {
  name: 'naive loop',
  version: '',
  note: 'Page.captureScreenshot as PNG into FFmpeg, one after the other',
  parallel: false,
  framesOf: ({ naiveFrames }) => naiveFrames,
  command: async ({ subject, frames, output }) => ({
    file: process.execPath,
    args: [script, subject.folder, String(frames), output],
  }),
};
