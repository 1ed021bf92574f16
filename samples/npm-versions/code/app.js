const _ = require('lodash')
const semver = require('semver')

exports.handler = async ({ people }) => ({
  lodash: _.VERSION,
  semver: require('semver/package.json').version,
  names: _.pluck ? _.pluck(people, 'name') : _.map(people, 'name'),
  range: semver.simplifyRange ? semver.simplifyRange(['0.9.0', '1.0.0', '1.1.0', '2.0.0'], '1.0.0 || 1.1.0') : 'cannot simplify',
})
