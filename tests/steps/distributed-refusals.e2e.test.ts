import { describeWithKafka } from '@holdfast/testing/kafka'
import { startDistributedShop } from './distributed-shop.ts'
import { describeRefusals } from './refusals.ts'
import { useShop } from './use-shop.ts'

describeWithKafka('distributed', (kafka) => {
  describeRefusals(
    useShop(() => startDistributedShop(kafka())),
    { crowd: 64 },
  )
})
