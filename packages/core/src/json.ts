/** A value that JSON carries exactly. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject
export interface JsonObject {
  readonly [member: string]: JsonValue
}

/**
 * What a type looks like as JSON, for types written as interfaces (which lack an index signature):
 * `T` itself when all its members can be carried, `never` where one cannot.
 */
export type Jsonify<T> = T extends JsonValue
  ? T
  : T extends (...args: never[]) => unknown
    ? never
    : T extends object
      ? { [K in keyof T]: Jsonify<T[K]> }
      : T extends undefined
        ? T
        : never

/** A value whose interface lacks an index signature, as the JSON that it is. */
export function asJson<T extends object>(value: Jsonify<T>): JsonObject {
  return value as JsonObject
}
