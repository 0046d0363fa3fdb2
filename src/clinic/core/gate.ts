/** Lets a limited number of works with the same key run at a time; the others wait in order of arrival. */
export interface Gate {
  through<T>(key: number, work: () => Promise<T>): Promise<T>
}

/** Builds a gate. `most`: works with the same key at a time. */
export function createGate(most: number): Gate {
  const lines = new Map<number, { inside: number; readonly waiting: (() => void)[] }>()
  return {
    async through(key, work) {
      const line = lines.get(key) ?? { inside: 0, waiting: [] }
      lines.set(key, line)
      if (line.inside >= most) await new Promise<void>((resolve) => line.waiting.push(resolve))
      else line.inside += 1
      try {
        return await work()
      } finally {
        // The next one takes the place inside.
        const next = line.waiting.shift()
        if (next) next()
        else {
          line.inside -= 1
          if (line.inside === 0) lines.delete(key)
        }
      }
    },
  }
}
