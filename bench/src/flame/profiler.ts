/** Loaded before the program that is profiled (`--import`): SIGUSR2 starts the profile of its main thread, and ends it. */
import { rename, writeFile } from 'node:fs/promises'
import { Session } from 'node:inspector/promises'
import { isMainThread } from 'node:worker_threads'

const samplingIntervalUs = 500

if (isMainThread) {
  const session = new Session()
  session.connect()
  let running = false
  const toggle = async (): Promise<void> => {
    if (running) {
      const { profile } = await session.post('Profiler.stop')
      const file = process.env['FLAME_PROFILE'] ?? 'profile.json'
      await writeFile(`${file}.part`, JSON.stringify(profile))
      await rename(`${file}.part`, file)
    } else {
      running = true
      await session.post('Profiler.enable')
      await session.post('Profiler.setSamplingInterval', { interval: samplingIntervalUs })
      await session.post('Profiler.start')
    }
  }
  process.on('SIGUSR2', () => {
    void toggle()
  })
}
