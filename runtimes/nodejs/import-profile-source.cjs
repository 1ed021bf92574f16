// The source of an ES module that tells import-profile.cjs when its evaluation begins and ends.
'use strict';

function instrumented(url, result) {
  if (result.format !== 'module' || result.source == null || !url.startsWith('file:')) return result;
  const source = typeof result.source === 'string' ? result.source : new TextDecoder().decode(result.source);
  const file = JSON.stringify(decodeURIComponent(new URL(url).pathname));
  // Threads that the function starts have no profile.
  const profile = 'globalThis[Symbol.for("lamina.import-profile")]?';
  // Before the first statement and within its line, so that all lines keep their numbers. A first line with
  // the name of an interpreter must stay the first.
  const start = source.startsWith('#!') ? source.indexOf('\n') + 1 || source.length : 0;
  return {
    ...result,
    source: `${source.slice(0, start)}${profile}.begin(${file});${source.slice(start)}\n;${profile}.end(${file});`,
  };
}

module.exports = { instrumented };
