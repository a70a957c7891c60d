/** The naive loop in a process of its own: `node naive-command.ts <composition> <frames> <output>`. */
import { renderNaively } from '../naive.ts';

const [folder = '', frames = '', output = ''] = process.argv.slice(2);
await renderNaively({ name: '', title: '', folder, frames: 0, naiveFrames: Number(frames) }, output);
