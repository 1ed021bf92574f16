const plural = require('plural')

exports.handler = async ({ count, word }) => ({
  text: plural(count, word),
  from: require.resolve('plural'),
})
