import { expect, test } from 'vitest';
import { parseCommand, splitCommand } from '../../src/cli/split-command.ts';

test.each([
  ['helios render a.html  -o b.mov', ['helios', 'render', 'a.html', '-o', 'b.mov']],
  [`render 'a b.html' "c \\"d\\".mov"`, ['render', 'a b.html', 'c "d".mov']],
  [`a\\ b c'd e'f ''`, ['a b', 'cd ef', '']],
  ['C:\\videos\\a.mov', ['C:\\videos\\a.mov']],
  [`open 'to the end`, ['open', 'to the end']],
  ['$(touch x) `y` $HOME', ['$(touch', 'x)', '`y`', '$HOME']],
  ['', []],
])('%s', (text, words) => {
  expect(splitCommand(text)).toEqual(words);
});

test('flags take a value after a space or an equals sign, or none', () => {
  const { words, later, flags } = parseCommand(
    'helios render a.html -o b.mov --fps=30 --no-headless --mode dom -- rest --last',
  );
  expect(words).toEqual(['helios', 'render', 'a.html']);
  expect(later).toEqual(['--', 'rest']);
  expect(Object.fromEntries(flags)).toEqual({
    o: 'b.mov',
    fps: '30',
    'no-headless': '',
    mode: 'dom',
    last: '',
  });
});
