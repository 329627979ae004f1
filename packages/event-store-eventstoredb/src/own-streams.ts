/**
 * Streams that the adapter keeps for itself. They have no leading `$`, which would need rights of their own, and are
 * left out of what `subscribe` gives for an empty prefix.
 */
export const probeStream = 'holdfastprobe-writable'
export const checkpointStreamPrefix = 'holdfastcheckpoint-'

const ownPrefixes = ['$', 'holdfastprobe-', checkpointStreamPrefix]

/** For the server's filter: a .NET regular expression that leaves out its own streams and ours. */
export const foreignToUs = '^(?!\\$|holdfastprobe-|holdfastcheckpoint-)'

export const isOwnStream = (name: string): boolean => ownPrefixes.some((prefix) => name.startsWith(prefix))
