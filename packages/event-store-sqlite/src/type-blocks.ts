import type { Prepare } from './query.ts'

/**
 * The index of types: in which blocks of 64 positions in a row a type occurs. An entry for each event would have the writer change a page or
 * two more in each transaction, for readers who walk through the rows as soon as one in a few is of their types.
 */
const blockBits = 6

/** Positions in a block. */
export const blockLength = 2 ** blockBits

const blockOf = (position: number): number => Math.floor((position - 1) / blockLength)
/** The same, of a row of `events`. */
export const blockColumn = `(position - 1 >> ${blockBits})`
const firstOf = (block: number): number => block * blockLength + 1

/** Enters what is written, in the transaction that writes it. */
export interface TypeBlocks {
  add(type: string, position: number): void
  rolledBack(): void
}

export function createTypeBlocks(prepare: Prepare): TypeBlocks {
  const insert = prepare('INSERT OR IGNORE INTO type_blocks (name, block) VALUES (?, ?)')
  /** The newest block, and what is entered for it. */
  let newest = -1
  const entered = new Set<string>()
  return {
    add(type, position) {
      const block = blockOf(position)
      if (block !== newest) entered.clear()
      newest = block
      if (entered.has(type)) return
      insert.run(type, block)
      entered.add(type)
    },
    rolledBack() {
      entered.clear()
    },
  }
}

export function makeTypeBlocksAnew(prepare: Prepare): void {
  prepare('DELETE FROM type_blocks').run()
  prepare(`INSERT INTO type_blocks (name, block) SELECT DISTINCT type, ${blockColumn} FROM events`).run()
}

/** Positions in a row. */
export interface Stretch {
  readonly first: number
  readonly last: number
}

/** Finds what is left behind a position, which never gets smaller, of the next block with one of some types. */
export type TypeSearch = (after: number) => Stretch | undefined

/** @returns what searches for types, up to a position */
export function createTypeSearch(prepare: Prepare): (types: Iterable<string>, upTo: number) => TypeSearch {
  const nextBlock = prepare('SELECT min(block) FROM type_blocks WHERE name = ? AND block >= ?')
  return (types, upTo) => {
    /** The next block of each type, from where it was looked for last; Infinity where there is none. */
    const next = new Map(Array.from(types, (type) => [type, -1]))
    return (after) => {
      const from = blockOf(after + 1)
      let nearest = Infinity
      for (const [type, known] of next) {
        const found = known >= from ? known : Number(nextBlock.get(type, from)?.[0] ?? Infinity)
        if (found !== known) next.set(type, found)
        nearest = Math.min(nearest, found)
      }
      const first = Math.max(firstOf(nearest), after + 1)
      return first > upTo ? undefined : { first, last: Math.min(firstOf(nearest + 1) - 1, upTo) }
    }
  }
}
