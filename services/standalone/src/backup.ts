import { loadSettings } from '@holdfast/config'
import { backupDataDir } from '@holdfast/event-store-sqlite'

const usage = 'usage: npm run backup -- <file to make>   (the store is the one in HOLDFAST_DATA_DIR)'

/** `npm run backup -- <file>`: a checked copy of the event store, while it serves. */
async function main([target, ...rest]: readonly string[]): Promise<number> {
  if (target === undefined || target.startsWith('-') || rest.length > 0) {
    console.error(usage)
    return 2
  }
  try {
    const copy = await backupDataDir({ dataDir: loadSettings(process.env).DATA_DIR, target })
    console.log(
      `${copy.target}: ${copy.events} events, ${copy.bytes} bytes, up to position ${copy.position}; checked and synced`,
    )
    return 0
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    return 1
  }
}

process.exitCode = await main(process.argv.slice(2))
