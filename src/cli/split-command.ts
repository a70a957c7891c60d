/** Splits a command line as a shell would, without expanding anything; an open quote ends with the text. */
export function splitCommand(text: string): string[] {
  const words: string[] = [];
  const pattern = /'([^']*)'?|"((?:\\["\\$`]|[^"])*)"?|\\(["'\\\s$`])|(\s+)|([^\s'"])/g;
  let word: string | undefined;
  for (const [, single, double, escaped, space, plain] of text.matchAll(pattern)) {
    if (space !== undefined) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    word = (word ?? '') + (single ?? double?.replace(/\\(["\\$`])/g, '$1') ?? escaped ?? plain ?? '');
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** A command line taken apart: the words before the first flag, other words, and flags by name without dashes. */
export interface ParsedCommand {
  readonly words: readonly string[];
  readonly later: readonly string[];
  readonly flags: ReadonlyMap<string, string>;
}

/** Reads `--name value`, `--name=value`, `-o value` and lone `--name`; the first of a name counts. */
export function parseCommand(text: string): ParsedCommand {
  const words: string[] = [];
  const later: string[] = [];
  const flags = new Map<string, string>();
  const all = splitCommand(text);
  for (let index = 0; index < all.length; index++) {
    const word = all[index] as string;
    const match = /^--?([a-z][\w-]*)(?:=(.*))?$/is.exec(word);
    if (!match) {
      (flags.size === 0 ? words : later).push(word);
      continue;
    }
    const [, name = '', inline] = match;
    const next = all[index + 1];
    const takesNext =
      inline === undefined && !name.startsWith('no-') && next !== undefined && !/^--?[a-z]/i.test(next);
    if (takesNext) index++;
    if (!flags.has(name)) flags.set(name, inline ?? (takesNext ? next : ''));
  }
  return { words, later, flags };
}
