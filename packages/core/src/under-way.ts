/** Counts work that has begun and not ended. Not a `Set` of it, for the reason that `KeyTable` is no `Map`. */
export class UnderWay {
  #count = 0
  #idlers: (() => void)[] = []

  begin(): void {
    this.#count++
  }

  /** Once for each `begin`. */
  end(): void {
    if (--this.#count > 0) return
    for (const resolve of this.#idlers) resolve()
    this.#idlers = []
  }

  /** Resolves when nothing is under way. */
  idle(): Promise<void> {
    return this.#count === 0 ? Promise.resolve() : new Promise((resolve) => this.#idlers.push(resolve))
  }
}
