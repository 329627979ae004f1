import { expect, test } from 'vitest'
import { parseMarkdown } from './markdown.ts'

const source = [
  '# The title',
  '',
  'See [the `key`](docs/a.md#anchor), [b]( ../b.md "B" ) and ![a picture](c.png).',
  '',
  '```sh run',
  'echo "[not a link](nowhere.md)"',
  '# not a heading',
  '```',
  '',
  '## The `second` part: it’s here!',
  '## Twice',
  '## Twice',
  '',
  '````md',
  '```sh run',
  'inner',
  '```',
  '````',
  '  ```ts run app',
  '  export {}',
  '  ```',
  '[ref]: ./d.md',
].join('\n')

test('finds blocks with their language, flags and place; a longer fence holds shorter ones', () => {
  expect(parseMarkdown(source).blocks).toEqual([
    { language: 'sh', flags: ['run'], text: 'echo "[not a link](nowhere.md)"\n# not a heading', line: 5 },
    { language: 'md', flags: [], text: '```sh run\ninner\n```', line: 14 },
    { language: 'ts', flags: ['run', 'app'], text: '  export {}', line: 19 },
  ])
})

test('finds links outside of blocks', () => {
  expect(parseMarkdown(source).links).toEqual([
    { text: 'the `key`', target: 'docs/a.md#anchor', line: 3 },
    { text: 'b', target: '../b.md', line: 3 },
    { text: 'a picture', target: 'c.png', line: 3 },
    { text: 'ref', target: './d.md', line: 22 },
  ])
})

test('makes the anchors that GitHub makes', () => {
  expect([...parseMarkdown(source).anchors]).toEqual(['the-title', 'the-second-part-its-here', 'twice', 'twice-1'])
})

test('finds inline code', () => {
  expect(parseMarkdown('a `b` and\n`c d`').code).toEqual([
    { text: 'b', line: 1 },
    { text: 'c d', line: 2 },
  ])
})
