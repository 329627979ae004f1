import type { Database, SQLInputValue, SQLOutputValue } from './sqlite.ts'

/** A statement whose rows are arrays. */
export interface Query {
  all(...values: SQLInputValue[]): SQLOutputValue[][]
  get(...values: SQLInputValue[]): SQLOutputValue[] | undefined
  iterate(...values: SQLInputValue[]): Iterable<SQLOutputValue[]>
  run(...values: SQLInputValue[]): { readonly changes: number | bigint }
}

export type Prepare = (sql: string) => Query

export const preparing =
  (database: Database): Prepare =>
  (sql) => {
    const statement = database.prepare(sql)
    statement.setReturnArrays(true)
    // The types do not know of `setReturnArrays`.
    return statement as unknown as Query
  }
