import type { RecordedEvent, Resolution } from '@holdfast/core'
import type { TestProcess } from './process.ts'
import type { World } from './world.ts'

/** What stands on the stream of the key that a test uses when it names none. */
export const eventsOf = (process: TestProcess): readonly RecordedEvent[] => process.store.log.events(process.streamOf())

export const typesOf = (process: TestProcess): string[] => eventsOf(process).map(({ type }) => type)

/** The types, each with the step that the event is of: `StepCompleted charge`. */
export const stepsOf = (process: TestProcess): string[] =>
  eventsOf(process).map(({ type, data }) => (typeof data['step'] === 'string' ? `${type} ${data['step']}` : type))

/** One attempt under that key, until nothing more can happen. */
export async function run(world: World, process = world.start()): Promise<Resolution> {
  const { resolution } = process.dispatch()
  resolution.catch(() => undefined)
  await world.clock.runUntilIdle()
  return resolution
}
