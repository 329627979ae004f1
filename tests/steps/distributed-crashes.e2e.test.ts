import { describeWithKafka } from '@holdfast/testing/kafka'
import { boundariesOfAnOrder, boundariesOfARefusal, describeCrashMatrix } from './crash-matrix.ts'
import { startDistributedShop } from './distributed-shop.ts'
import { useShop } from './use-shop.ts'

/** A dead handler is missed after its session only: so each boundary once, where the embedded matrix has it twice. */
describeWithKafka('distributed', (kafka) => {
  const shop = useShop(() => startDistributedShop(kafka()))
  describeCrashMatrix(shop, { mode: 'left alone', ofAnOrder: boundariesOfAnOrder, ofARefusal: [] })
  describeCrashMatrix(shop, { mode: 'retried', ofAnOrder: [], ofARefusal: boundariesOfARefusal })
})
