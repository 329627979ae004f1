import { expect, test } from 'vitest'
import { crashes, nextCrash, owedCrashes, sortOf } from './planned-crashes.ts'
import type { PlannedCrash } from './crash-points.ts'
import type { PointText } from './points.ts'

const first = (): number => 0
const armed = (point: PointText, struck: boolean): PlannedCrash => ({ point, struck })
const pointsOf = (planned: readonly PlannedCrash[]): readonly PointText[] =>
  owedCrashes(first, planned).map(({ point }) => point)

/** One point of each sort has struck. */
const oneOfEach = [...Map.groupBy(crashes, sortOf).values()].flatMap(([some]) =>
  some === undefined ? [] : [armed(some.point, true)],
)

test('the sorts: each moment, and events with a step apart from those without', () => {
  expect(oneOfEach.map(sortOf).sort()).toEqual([
    'after-append',
    'after-append, of a step',
    'after-call',
    'before-append',
    'before-append, of a step',
    'before-call',
    'before-reply',
  ])
})

test('a run that has planned nothing owes one point of each sort', () => {
  expect(owedCrashes(first, []).map(sortOf).sort()).toEqual(oneOfEach.map(sortOf).sort())
})

test('a run in which one of each sort has struck, and nothing else was planned, owes nothing', () => {
  expect(pointsOf(oneOfEach)).toEqual([])
})

test('a planned point is owed until it has struck once, also when others of its sort have', () => {
  const point = 'after-append StepUndone:charge-card'
  expect(pointsOf([...oneOfEach, armed(point, false)])).toEqual([point])
  expect(pointsOf([...oneOfEach, armed(point, false), armed(point, false)])).toEqual([point])
  expect(pointsOf([...oneOfEach, armed(point, false), armed(point, true)])).toEqual([])
  expect(pointsOf([...oneOfEach, armed(point, true), armed(point, false)])).toEqual([])
})

test('a sort none of whose points has struck is owed as what was planned of it', () => {
  const point = 'before-reply 402'
  const others = oneOfEach.filter((crash) => sortOf(crash) !== 'before-reply')
  expect(pointsOf([...others, armed(point, false)])).toEqual([point])
})

test('the plan begins with one point of each sort', () => {
  const planned: PlannedCrash[] = []
  for (const _crash of oneOfEach) planned.push(armed(nextCrash(first, planned), false))
  expect(new Set(planned.map(sortOf)).size).toBe(oneOfEach.length)
  expect(crashes.map(({ point }) => point)).toContain(nextCrash(first, planned))
})
