import { Counter, Gauge, type Registry } from 'prom-client'

/** Why a connection to the results has ended. */
export type ConsumerEnd = 'left' | 'slow' | 'shutdown' | 'fault'

/** Of the consumers of `GET /results`. */
export interface ResultMetrics {
  consumerCame(): void
  consumerWent(why: ConsumerEnd): void
  sent(outcome: string): void
}

export function createResultMetrics(registry: Registry): ResultMetrics {
  const registers = [registry]
  const consumers = new Gauge({ name: 'holdfast_result_consumers', help: 'Connections to GET /results.', registers })
  const ended = new Counter({
    name: 'holdfast_result_consumers_ended_total',
    help: 'Connections to GET /results that ended, by why.',
    labelNames: ['why'],
    registers,
  })
  const sent = new Counter({
    name: 'holdfast_results_sent_total',
    help: 'Results sent to consumers of GET /results.',
    labelNames: ['outcome'],
    registers,
  })
  return {
    consumerCame() {
      consumers.inc()
    },
    consumerWent(why) {
      consumers.dec()
      ended.inc({ why })
    },
    sent(outcome) {
      sent.inc({ outcome })
    },
  }
}
