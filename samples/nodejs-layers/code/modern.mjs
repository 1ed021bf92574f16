import plural from 'plural'
import { format } from 'money'

export const handler = async ({ count, word, price }) => ({
  text: `${plural(count, word)} for ${format(count * price)}`,
  from: format.from,
})
