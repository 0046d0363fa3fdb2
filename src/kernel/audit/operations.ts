import { isId, membersOf, NotForwardable } from '../outbox/contents.ts'
import type { Consumer } from '../outbox/relay.ts'
import { insertOperations, type OperationRow } from './store.ts'

/** The consumer of `outbox.operation`: writes rows of the operation log. */
export const operationConsumer: Consumer = {
  begin(tx) {
    const operations: OperationRow[] = []
    return {
      async read(content, at) {
        const operation = readOperation(content, at)
        return () => operations.push(operation)
      },
      async write() {
        await insertOperations(tx, operations)
        return undefined
      },
    }
  },
}

/**
 * Checks the content of `outbox.operation`.
 * @throws NotForwardable when it is not in the form of `operationJson`
 */
function readOperation(value: unknown, at: Date): OperationRow {
  const { actorId = null, action, resource, resourceId, changes, address, requestId } = membersOf(value, 'operation')
  if (typeof action !== 'string' || typeof resource !== 'string' || !(actorId === null || isId(actorId))) {
    throw new NotForwardable('operation without action, resource or actor')
  }
  return {
    at,
    actorId,
    action,
    resource,
    resourceId: text(resourceId),
    changes: changes === null || changes === undefined ? null : membersOf(changes, 'changes'),
    address: text(address),
    requestId: text(requestId),
  }
}

function text(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null
}
