import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Subject } from '../prepare.ts';

/** A composition's page in its parts. */
export interface Look {
  readonly style: string;
  readonly markup: string;
  readonly script: string;
}

const partOf = (page: string, name: string): string =>
  new RegExp(`<${name}>([\\s\\S]*?)</${name}>`).exec(page)?.[1] ?? '';

/** The parts of a page whose body is an element of another page, `#stage`. */
export async function readLook({ folder }: Subject): Promise<Look> {
  const page = await readFile(path.join(folder, 'index.html'), 'utf8');
  const markup = page
    .replace(/<(script|style|title|head)>[\s\S]*?<\/\1>/g, '')
    .replace(/<(!doctype|meta|\/?html|\/?body)[^>]*>/gi, '');
  return {
    style: partOf(page, 'style').replace(/^(\s*)body\b/gm, '$1#stage'),
    markup: markup.trim(),
    script: partOf(page, 'script'),
  };
}

/** Writes a module that stage.mjs can show: the page's own drawing code, its `document` and clock given to it. */
export async function writeLook(subject: Subject, file: string): Promise<void> {
  const { style, markup, script } = await readLook(subject);
  const parts = `export const style = ${JSON.stringify(style)};\nexport const markup = ${JSON.stringify(markup)};\n`;
  await writeFile(file, `${parts}export function draw(document, requestAnimationFrame) {\n${script}\n}\n`);
}
