/** Most terms of one text: longer ones are cut, an index entry has its limits. */
const MOST_TERMS = 4000

const ideograph = '[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}]'
const runs = new RegExp(`(${ideograph}+)|((?:(?!${ideograph})[\\p{L}\\p{M}\\p{N}])+)`, 'gu')

/**
 * What a text is found by: its words of letters and digits, and each pair of neighbouring Chinese (Japanese, Korean) characters, which have no
 * spaces between words; a character that stands alone is a term. Width and case make no difference.
 */
export function termsOf(text: string): readonly string[] {
  const terms = new Set<string>()
  for (const [, ideographs, word] of text.normalize('NFKC').toLowerCase().matchAll(runs)) {
    if (word) terms.add(word.slice(0, 100))
    const characters = [...(ideographs ?? '')]
    if (characters.length === 1) terms.add(ideographs ?? '')
    for (let index = 0; index + 1 < characters.length; index += 1) {
      terms.add(`${characters[index]}${characters[index + 1]}`)
    }
    if (terms.size >= MOST_TERMS) break
  }
  return [...terms]
}

/** Words with which any question may be asked: they say nothing of what it is about. */
const fillers =
  /请问|你好|您好|谢谢|麻烦|我想|想要|一下|怎么办|怎么样|怎样|怎么|如何|什么|为什么|可以|能不能|能否|是否|是不是|有没有|哪里|多少|多久|[吗呢吧啊的了么]/gu

/** The terms of a question: without the words that every question has, unless it has no others. */
export function askedTerms(question: string): readonly string[] {
  const told = termsOf(question.normalize('NFKC').replace(fillers, ' '))
  return (told.length > 0 ? told : termsOf(question)).slice(0, 100)
}

/** The share of a question's weight that an entry has to have before it counts as an answer. */
export const RELEVANT = 0.3
