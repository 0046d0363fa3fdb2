/** Greatest number of terms of one text. More are cut off, because an index entry has a size limit. */
const MOST_TERMS = 4000

const ideograph = '[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Hangul}]'
const runs = new RegExp(`(${ideograph}+)|((?:(?!${ideograph})[\\p{L}\\p{M}\\p{N}])+)`, 'gu')

/**
 * Search terms of a text: words of letters and digits, and pairs of neighbouring Chinese (Japanese, Korean) characters,
 * because these scripts have no spaces between words. A character that stands alone is a term by itself. Width and case
 * make no difference.
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

/** Common words of questions that say nothing about their subject. */
const fillers =
  /请问|你好|您好|谢谢|麻烦|我想|想要|一下|怎么办|怎么样|怎样|怎么|如何|什么|为什么|可以|能不能|能否|是否|是不是|有没有|哪里|多少|多久|[吗呢吧啊的了么]/gu

/** Search terms of a question, without the common words unless it has no others. */
export function askedTerms(question: string): readonly string[] {
  const told = termsOf(question.normalize('NFKC').replace(fillers, ' '))
  return (told.length > 0 ? told : termsOf(question)).slice(0, 100)
}

/** The share of a question's weight that an entry must have to count as an answer. */
export const RELEVANT = 0.3
