import { startEmbedded } from '../support/embedded.ts'
import { describeRogueAgent } from './suite.ts'

describeRogueAgent('embedded', startEmbedded)
