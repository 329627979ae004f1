import type { DocumentChange, DocumentId } from '@holdfast/core'

/** Where a fold finds documents that it does not remember: JSON texts in the order of the ids, undefined for none. */
export type LoadDocuments = (ids: readonly DocumentId[]) => Promise<readonly (string | undefined)[]>

/** Documents outside of the read store, for rebuilds. */
export interface DocumentSet {
  readonly load: LoadDocuments
  save(changes: readonly DocumentChange[]): Promise<void>
  /** All of them: by tenant, and within it in the order of the UTF-8 bytes of their ids, as pages of the read store are. */
  all(): AsyncIterable<{ readonly tenant: string; readonly id: string; readonly json: string }>
}

/** A document's place in maps: neither a tenant nor an id contains NUL. */
export const placeOf = (tenant: string, id: string): string => `${tenant}\0${id}`

export function idAt(place: string): DocumentId {
  const end = place.indexOf('\0')
  return { tenant: place.slice(0, end), id: place.slice(end + 1) }
}

/**
 * Compares as PostgreSQL's and SQLite's binary collations do: by UTF-8 bytes, which is by code points. UTF-16 code units
 * differ from that where surrogates meet what stands above them.
 */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length)
  for (let at = 0; at < length; at++) {
    const [left, right] = [a.charCodeAt(at), b.charCodeAt(at)]
    if (left !== right) return rank(left) - rank(right)
  }
  return a.length - b.length
}

/** Surrogates stand for code points above all others. */
const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit)

/** Keeps the texts in memory: about the size of the documents. */
export function createMemoryDocuments(): DocumentSet {
  const texts = new Map<string, string>()
  return {
    load: async (ids) => ids.map(({ tenant, id }) => texts.get(placeOf(tenant, id))),
    save: async (changes) => {
      for (const { tenant, id, json } of changes) {
        if (json === undefined) texts.delete(placeOf(tenant, id))
        else texts.set(placeOf(tenant, id), json)
      }
    },
    all: async function* () {
      for (const place of [...texts.keys()].sort(compareUtf8)) yield { ...idAt(place), json: texts.get(place) ?? '' }
    },
  }
}
