/** A running broker for tests. Closes itself with `await using`. */
export interface KafkaBroker extends AsyncDisposable {
  /** `host:port` of each bootstrap broker. */
  readonly brokers: string[]
  /** What runs it. */
  readonly runtime: 'external' | 'docker' | 'jars'
  /** SIGKILL to the broker; resolves when it is gone. Rejects for a broker that the test kit did not start. */
  kill(): Promise<void>
  /** Starts it again with the same data on the same port; resolves when it serves. Stops it first if it runs. */
  restart(): Promise<void>
  /** Stops it and deletes its data. */
  close(): Promise<void>
}

export interface StartKafkaOptions {
  /**
   * Where clients are told to connect, a port on 127.0.0.1: for a proxy that stands between. Not with an external
   * broker. Default: the broker itself.
   */
  readonly advertisedPort?: number
  /** Heap of the broker's JVM as in `-Xmx`, where the jars run it. Default '384m'. */
  readonly heap?: string
  /** Called with each line that the broker logs, where the jars run it. */
  readonly onLog?: (line: string) => void
}

/** The one place that makes a broker disposable. */
export function disposable(broker: Omit<KafkaBroker, typeof Symbol.asyncDispose>): KafkaBroker {
  return { ...broker, [Symbol.asyncDispose]: () => broker.close() }
}
