import { ReadStoreError } from '@holdfast/core'

/** What is being done, so that a close can wait for it. */
export interface UnderWay {
  /** @throws ReadStoreError `closed` after `end` */
  run<T>(work: () => Promise<T>): Promise<T>
  /** The same, after all that was begun under this key: in the order of the calls. */
  runInTurn<T>(key: string, work: () => Promise<T>): Promise<T>
  /** Nothing more begins; resolves when all that was begun has ended. */
  end(): Promise<void>
}

export function createUnderWay(): UnderWay {
  const running = new Set<Promise<unknown>>()
  const last = new Map<string, Promise<unknown>>()
  let ended = false

  async function run<T>(work: () => Promise<T>): Promise<T> {
    if (ended) throw new ReadStoreError('closed', 'the read store is closed')
    const begun = work()
    running.add(begun)
    try {
      return await begun
    } finally {
      running.delete(begun)
    }
  }

  return {
    run,
    runInTurn: (key, work) =>
      run(async () => {
        const before = last.get(key)
        const turn = Promise.allSettled([before]).then(work)
        last.set(key, turn)
        try {
          return await turn
        } finally {
          if (last.get(key) === turn) last.delete(key)
        }
      }),
    async end() {
      ended = true
      await Promise.allSettled(running)
    },
  }
}
