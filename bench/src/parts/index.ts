import type { Part } from '../part.ts'
import { audit } from './audit.ts'
import { distributed } from './distributed.ts'
import { keysStored } from './keys-stored.ts'
import { keysStoredPeers } from './keys-stored-peers.ts'
import { rebuild } from './rebuild.ts'
import { resultLatency } from './result-latency.ts'
import { retries } from './retries.ts'
import { siege } from './siege.ts'
import { sideBySide } from './side-by-side.ts'
import { steps } from './steps.ts'

/** Everything that `npm run bench` measures, in the order of the report. A new part: its file beside this one, and a line here. */
export const parts: readonly Part[] = [
  sideBySide,
  retries,
  keysStored,
  keysStoredPeers,
  rebuild,
  audit,
  distributed,
  resultLatency,
  steps,
  siege,
]
