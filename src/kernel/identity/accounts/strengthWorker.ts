import { parentPort } from 'node:worker_threads'
import { ZxcvbnFactory } from '@zxcvbn-ts/core'
import { adjacencyGraphs, dictionary } from '@zxcvbn-ts/language-common'
import { dictionary as english, translations } from '@zxcvbn-ts/language-en'

// The thread that judges passwords: zxcvbn takes up to half a second of processor for one, and 30 MB of dictionaries.

const estimator = new ZxcvbnFactory({
  dictionary: { ...dictionary, ...english },
  graphs: adjacencyGraphs,
  translations,
  // Longer passwords are strong enough or repetitive, and the time grows with the square of the length.
  maxLength: 32,
})

parentPort?.on('message', ({ id, password, own }: { id: number; password: string; own: string[] }) => {
  const { score, feedback } = estimator.check(password, own)
  const { warning, suggestions } = feedback
  parentPort?.postMessage({ id, score, warning: warning ?? undefined, suggestions })
})
