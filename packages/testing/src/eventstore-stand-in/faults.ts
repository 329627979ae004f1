/** What the stand-in does in place of answering. */
export type Fault =
  /** Handles the request this much later. */
  | { readonly kind: 'delay'; readonly ms: number }
  /** Appends: writes at once and answers this much later. */
  | { readonly kind: 'answer-late'; readonly ms: number }
  /** Appends: answers, and answers again this much later. */
  | { readonly kind: 'answer-twice'; readonly ms: number }
  /** Never answers. `act`: whether an append is written. */
  | { readonly kind: 'no-answer'; readonly act: boolean }
  /** Ends the call cleanly, without an answer. */
  | { readonly kind: 'end'; readonly act: boolean }
  /** Refuses, and names the leader (default: itself). A batch append's whole call fails. */
  | { readonly kind: 'not-leader'; readonly leader?: { readonly host: string; readonly port: number } }
  /** The call fails with gRPC's UNAVAILABLE. */
  | { readonly kind: 'unavailable' }
  /** The server is starting: a batch append is answered with that and its call goes on; others fail with UNAVAILABLE. */
  | { readonly kind: 'not-ready' }
  /** Closes all sockets without a word. */
  | { readonly kind: 'close-connections'; readonly act: boolean }
  /** The process dies (in process: everything is dropped as if it had). `act`: after the append is on the disk. */
  | { readonly kind: 'die'; readonly act: boolean }

export type FaultyRpc = 'append' | 'read' | 'subscribe' | 'delete' | 'features'

export interface FaultRule {
  readonly rpc: FaultyRpc
  /** Only streams whose name starts with this. Default: all. */
  readonly stream?: string
  /** How many requests it strikes. Default 1. */
  readonly times?: number
  /** How many requests pass before it strikes. Default 0. */
  readonly after?: number
  readonly fault: Fault
}

/** The rules in force; the first that matches strikes. */
export interface Faults {
  add(rule: FaultRule): void
  clear(): void
  /** How many strikes the rules still have. */
  pending(): number
  take(rpc: FaultyRpc, stream: string): Fault | undefined
}

export function createFaults(): Faults {
  let rules: { readonly rule: FaultRule; pass: number; strikes: number }[] = []
  return {
    add(rule) {
      rules.push({ rule, pass: rule.after ?? 0, strikes: rule.times ?? 1 })
    },
    clear() {
      rules = []
    },
    pending: () => rules.reduce((sum, { strikes }) => sum + strikes, 0),
    take(rpc, stream) {
      if (rules.length === 0) return undefined
      const found = rules.find(({ rule }) => rule.rpc === rpc && stream.startsWith(rule.stream ?? ''))
      if (!found) return undefined
      if (found.pass > 0) {
        found.pass -= 1
        return undefined
      }
      found.strikes -= 1
      if (found.strikes === 0) rules = rules.filter((each) => each !== found)
      return found.rule.fault
    },
  }
}
