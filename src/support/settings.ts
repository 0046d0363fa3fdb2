import { line, webAddress, wholeNumber } from '../config/kinds.ts'
import { defineSettings, optional, setting } from '../config/settings.ts'

/** The environment variables of support. */
export const supportSettings = defineSettings(
  {
    llmUrl: optional(
      'Support',
      'SUPPORT_LLM_URL',
      webAddress,
      'the built-in bot answers from the frequent questions',
      'OpenAI-compatible endpoint whose `/chat/completions` answers in the support chat, such as ' +
        '`https://api.example.com/v1`. Needs SUPPORT_LLM_MODEL.',
    ),
    llmKey: optional(
      'Support',
      'SUPPORT_LLM_KEY',
      line('1 to 1000 characters'),
      'none',
      'Bearer token for SUPPORT_LLM_URL.',
      'secret',
    ),
    llmModel: optional(
      'Support',
      'SUPPORT_LLM_MODEL',
      line('the name of a model', 1, 200),
      'none',
      'The model that SUPPORT_LLM_URL is asked for.',
    ),
    llmTimeoutSeconds: setting(
      'Support',
      'SUPPORT_LLM_TIMEOUT_SECONDS',
      wholeNumber(1, 300),
      20,
      'Seconds to wait for SUPPORT_LLM_URL; after that the built-in bot answers.',
    ),
  },
  {
    contradictions: (_, given) =>
      given('SUPPORT_LLM_URL') && !given('SUPPORT_LLM_MODEL')
        ? ['SUPPORT_LLM_MODEL: not set; needed because SUPPORT_LLM_URL is set: the name of a model']
        : [],
  },
)
