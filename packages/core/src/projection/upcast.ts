import type { JsonObject } from '../json.ts'

/**
 * Turns the data of one version of an event type into those of the next. Pure: it runs at each reading, and the stored
 * bytes never change.
 */
export type Upcast = (data: JsonObject) => JsonObject

/**
 * By event type, then by the version that is read: `{ OrderPlaced: { 1: (data) => ({ ...data, currency: 'EUR' }) } }`
 * makes version 2 of version 1. Applied one after the other until there is none for the version that was reached.
 */
export type Upcasts = Readonly<Record<string, Readonly<Record<number, Upcast>>>>

/** Data as they are handed to code, and the versions they were stored and are read in. */
export interface Upcasted {
  readonly data: JsonObject
  /** Version of `data`. */
  readonly version: number
  /** Version that the stored bytes have. */
  readonly storedVersion: number
}

/** Version of an event as it is stored: `version` in its metadata, 1 where that is absent. */
export function storedVersionOf(event: { readonly metadata: JsonObject }): number {
  const { version } = event.metadata
  return typeof version === 'number' ? version : 1
}

/** Brings an event's data to the newest version that the upcasts lead to. Throws what an upcast throws. */
export function upcastEvent(
  event: { readonly type: string; readonly data: JsonObject; readonly metadata: JsonObject },
  upcasts: Upcasts,
): Upcasted {
  const storedVersion = storedVersionOf(event)
  const steps = Object.hasOwn(upcasts, event.type) ? upcasts[event.type] : undefined
  let { data } = event
  let version = storedVersion
  if (steps !== undefined) {
    for (let step = steps[version]; step !== undefined; step = steps[version]) {
      data = step(data)
      version += 1
    }
  }
  return { data, version, storedVersion }
}

/** Checks the shape of a table of upcasts at start. @throws TypeError for a version that is no positive whole number */
export function assertUpcasts(upcasts: Upcasts, owner: string): void {
  for (const [type, steps] of Object.entries(upcasts)) {
    for (const version of Object.keys(steps)) {
      if (!/^[1-9]\d{0,8}$/.test(version))
        throw new TypeError(`${owner}: upcast of ${type} from "${version}": a version is a whole number from 1`)
    }
  }
}
