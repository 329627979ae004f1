import type { Database, SQLInputValue, SQLOutputValue } from './sqlite.ts'

/** A statement whose rows are arrays. */
export interface Query {
  all(...values: SQLInputValue[]): SQLOutputValue[][]
  get(...values: SQLInputValue[]): SQLOutputValue[] | undefined
  iterate(...values: SQLInputValue[]): Iterable<SQLOutputValue[]>
  run(...values: SQLInputValue[]): { readonly changes: number | bigint }
}

export type Prepare = (sql: string) => Query

/** Runs several statements on one state of the file: what others write meanwhile is seen by none of them. */
export function inSnapshot(prepare: Prepare): <T>(work: () => T) => T {
  const [begin, end] = [prepare('BEGIN'), prepare('COMMIT')]
  return (work) => {
    begin.run()
    let result
    try {
      result = work()
    } catch (error) {
      try {
        end.run()
      } catch {
        // Some errors have SQLite end it by itself; the first one is the one to tell.
      }
      throw error
    }
    end.run()
    return result
  }
}

export const preparing =
  (database: Database): Prepare =>
  (sql) => {
    const statement = database.prepare(sql)
    statement.setReturnArrays(true)
    // The types do not know of `setReturnArrays`.
    return statement as unknown as Query
  }
