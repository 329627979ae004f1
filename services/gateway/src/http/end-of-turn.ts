let turn: Promise<void> | undefined

/**
 * Resolves once everything that has arrived by now was read. What is answered from memory waits for that, so that all
 * answers of one turn of the event loop are written one after the other: a caller that is woken by each single answer costs this
 * process more than the answer does (docs/performance.md).
 */
export function endOfTurn(): Promise<void> {
  turn ??= new Promise((resolve) => {
    setImmediate(() => {
      turn = undefined
      resolve()
    })
  })
  return turn
}
