import { describeWithKafka } from '@holdfast/testing/kafka'
import { describeHttpContract } from '../http-contract/suite.ts'
import { startDistributed } from '../support/distributed.ts'

describeWithKafka('two gateways, two handlers', (kafka) => {
  describeHttpContract('distributed', startDistributed(kafka))
})
