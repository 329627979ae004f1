import { readdirSync, readFileSync } from 'node:fs'

/** Linux counts processor time in hundredths of a second. */
const ticksPerSecond = 100

/** The process and all that descend from it. */
function treeOf(root: number): readonly number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    const parent = Number.isInteger(pid) ? statOf(pid)?.[1] : undefined
    if (parent !== undefined) children.set(Number(parent), [...(children.get(Number(parent)) ?? []), pid])
  }
  const tree = [root]
  for (const pid of tree) tree.push(...(children.get(pid) ?? []))
  return tree
}

/** The fields of `/proc/<pid>/stat` behind the name, which may hold blanks; undefined when the process has ended. */
function statOf(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

/** Processor time that these processes and all below them have used, in user and system mode, ended children included. */
export function cpuSecondsOf(roots: readonly number[]): number {
  let ticks = 0
  for (const pid of roots.flatMap(treeOf)) {
    // utime, stime, and those of the children that were waited for: fields 14 to 17 of proc(5).
    for (const field of statOf(pid)?.slice(11, 15) ?? []) ticks += Number(field)
  }
  return ticks / ticksPerSecond
}

/**
 * Resident memory of these processes and all below them, MiB: pages that several of them share are counted once (PSS), as
 * PostgreSQL's processes share most of theirs.
 */
export function memoryMbOf(roots: readonly number[]): number {
  let kib = 0
  for (const pid of roots.flatMap(treeOf)) {
    try {
      kib += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0)
    } catch {
      // It has ended since.
    }
  }
  return Math.round(kib / 1024)
}

/** The highest resident memory that one process has had, MiB. */
export function peakMemoryMbOf(pid: number): number {
  return Math.round(Number(/^VmHWM:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024)
}
