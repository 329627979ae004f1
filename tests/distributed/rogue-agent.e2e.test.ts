import { describeWithKafka } from '@holdfast/testing/kafka'
import { describeRogueAgent } from '../rogue-agent/suite.ts'
import { startDistributed } from '../support/distributed.ts'

describeWithKafka('two gateways, two handlers', (kafka) => {
  describeRogueAgent('distributed', startDistributed(kafka))
})
